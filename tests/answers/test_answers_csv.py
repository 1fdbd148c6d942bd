"""CSV as programs of every kind write it: what stands around the rows is no row, and is heard."""

from __future__ import annotations

import json

import portal_rows
import pytest
from pages import AT, NS, ONE, read, told
from portal_odd import MINUTES, SPAN, Odd, give
from portals import FIRST, Message, connect, mocked, serve

import isr_analysis as isr
from isr_analysis import answers
from isr_analysis.errors import AnswerError
from isr_analysis.times import DAY, SECOND

HEADER = "time,client_id,topic,payload"
LINE = f'{AT},a,t/x,"{{""on"": true}}"'
TABLE = f"{HEADER}\n{LINE}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"#{TABLE}", f"# {TABLE}", f"# all of the account\n{TABLE}# end of the export\n", f"{TABLE}# 1 row\n",
        f"History of the account\n\n{TABLE}", f"Exported,{AT}\n\n{TABLE}", f"Account: x\nFrom: 2026-11-01\n\n{TABLE}",
        f"# time, client_id\n{TABLE}", TABLE.replace(",", ", "), f"{TABLE}\n(1 row)\n", f"{TABLE}Total,1\n",
        f"{HEADER}\nUTC,,,JSON\n{LINE}\n1 row\n", f"{HEADER}\n[UTC],[-],[-],[JSON]\n{LINE}\n",
        f"{HEADER}\ntimestamp,string,string,json\n{LINE}\n",
        "time, client_id, topic, on\n2026-11-01T06:30:00.5Z, a, t/x, true\n",
        TABLE.replace(HEADER, "Time [UTC],Client ID,Topic,Payload (JSON)"),
    ],
)  # fmt: skip
def test_what_stands_around_rows_is_no_row(text):
    """Titles, notes, units, types, a count of the rows, spaces for the eye."""
    assert [(*one[:3], json.loads(one[3])) for one in told(read(text.encode()))] == [(*ONE[0][:3], {"on": True})]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TABLE}Total,2\n", "record 3 of the CSV has 2 cells"),  # another row should be there
        (f"{TABLE}1 row\n{LINE}\n", "record 3"),
        (f"{TABLE}ERROR: statement timeout\n", "ERROR: statement timeout"),
        (f"# the result is incomplete: a shard could not be read\n{TABLE}", "not whole"),
        (f"{TABLE}# request timed out\n", "not whole"),
        (f"{HEADER}\nnull,,,\n{LINE}\n", "has no time|neither ISO 8601"),
        (f"{HEADER}\nnever,b,t/y,ok\n{LINE}\n", "neither ISO 8601"),
        (f"zeit,thema,wert\n{AT},t/x,1\n", "neither JSON nor CSV"),
    ],
)
def test_a_line_that_may_be_a_row_or_a_failure_is_not_passed_over(text, words):
    """It is told."""
    with pytest.raises(AnswerError, match=words):
        read(text.encode())


def test_a_note_that_the_rows_were_cut_says_that_there_is_more():
    """As the same words do beside rows of JSON."""
    assert read(f"# truncated at 1 row\n{TABLE}".encode()).paging.has_more is True
    assert read(f"# made by hand\n{TABLE}".encode()).paging.has_more is None


def test_a_text_beside_the_header_is_not_taken_for_it():
    """A topic or a payload that is called as a time is."""
    text = f"at,topic,payload\n{AT},time,1\n{AT},t/x,ts\n"
    page = read(text.encode(), client_id="a")
    assert told(page) == [(NS, "a", "time", b"1"), (NS, "a", "t/x", b"ts")]


def wide(stored):
    """Write messages without an end of the last line, as joined lines have none."""
    rows = [f"2026-11-02T{i // 60:02}:{i % 60:02}:00Z,dev-a,t/x,{i}" for i in (one.payload["i"] for one in stored)]
    return "\n".join(["time,client_id,topic,i", *rows])


def test_the_last_line_needs_no_end_where_http_says_how_long_the_answer_is(home):
    """A header alone, too; but not where the connection's end is all that ends the answer."""
    server = Odd(lambda server, asked, _: give(wide(server._in(asked)), content_type="text/csv"))
    with serve(server) as origin, connect(origin, home) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(len(MINUTES)))
        assert isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal).empty


class Unframed(Odd):
    """A portal whose answers end as the connection does."""

    def respond(self, request):
        """Answer without saying how long the answer is."""
        response = super().respond(request)
        if request.url.path.endswith("/history"):
            del response.headers["content-length"]
        return response


def test_the_last_line_needs_no_end_where_the_same_comes_once_more(tmp_path):
    """Then it does not break off, where nothing else tells that."""
    server = Unframed(lambda server, asked, _: give(wide(server._in(asked)), content_type="text/csv"))
    with mocked(server, tmp_path) as portal:
        assert isr.load_history(**SPAN, portal=portal)["i"].tolist() == list(range(len(MINUTES)))


def test_the_last_line_needs_an_end_where_nothing_tells_that_it_is_whole(tmp_path):
    """An answer that breaks off at another place each time."""
    server = Unframed(lambda server, asked, n: give(wide(server._in(asked))[: 2000 - n], content_type="text/csv"))
    with mocked(server, tmp_path) as portal, pytest.raises(AnswerError, match="may be cut"):
        isr.load_history(**SPAN, portal=portal)


@pytest.mark.parametrize(
    "line",
    [
        f'{AT},a,t/x,{{"on": true, "s": "a,b"}}',
        f'{AT},a,t/x,"{{\\"on\\": true, \\"s\\": \\"a,b\\"}}"',
        f'{AT},a,t/x,"{{""on"": true, ""s"": ""a,b""}}",',
        f'{AT},a,t/x,"{{""on"": true, ""s"": ""a,b""}}"\n{HEADER}',
    ],
)
def test_cells_as_programs_write_them_by_hand(line):
    """JSON as it is, or behind backslashes; a divider too many; the header of the next page."""
    ((*_, payload),) = told(read(f"{HEADER}\n{line}\n".encode()))
    assert json.loads(payload) == {"on": True, "s": "a,b"}


def test_json_behind_backslashes_is_read_only_where_all_of_it_is_json():
    """Else nobody knows what the quotes mean."""
    for line in (f'{AT},a,t/x,"{{\\"on\\": tru}}"', f'{AT},a,t/x,{{"on": true, "b": }}', f'{AT},a,t/x,"a" b'):
        with pytest.raises(AnswerError, match=r"quote that is not closed|cells, its header"):
            read(f"{HEADER}\n{line}\n".encode())


def test_cells_without_a_value_are_missing():
    """As databases write them; a number that is none stays that."""
    text = f"time,client_id,topic,a,b,c\n{AT},a,t/x,NULL,null,1\n{AT},a,t/x,2,x,NaN\n{AT},a,t/x,3,,+Inf\n"
    assert [payload for *_, payload in told(read(text.encode()))] == [
        b'{"c":1}', b'{"a":2,"b":"x","c":NaN}', b'{"a":3,"c":Infinity}',
    ]  # fmt: skip


def test_columns_that_are_named_by_topics_are_rows_of_these():
    """In CSV and in JSON; not where a topic is named, or what is behind the slash is a unit."""
    table = f"time,client_id,tele/x,tele/y\n{AT},a,1,\n{AT},a,2,on\n"
    rows = [(NS, "a", "tele/x", b"1"), (NS, "a", "tele/x", b"2"), (NS, "a", "tele/y", b'"on"')]
    assert told(read(table.encode())) == rows
    assert read(table.encode()).rows == 2
    assert (
        told(
            read(
                [
                    {"time": AT, "client_id": "a", "tele/x": 1},
                    {"time": AT, "client_id": "a", "tele/x": 2, "tele/y": "on"},
                ]
            )
        )
        == rows
    )
    assert told(read(table.encode(), topic="tele/x"))[:2] == rows[:2]
    assert told(read(f"time,client_id,topic,rate m/s\n{AT},a,tele/x,1\n".encode())) == [
        (NS, "a", "tele/x", b'{"rate m/s":1}')
    ]
    with pytest.raises(AnswerError, match="no field of the rows holds a topic"):
        read(f"time,client_id,m/s\n{AT},a,1\n".encode())


def test_an_answer_of_numbers_alone_does_not_teach_that_others_are_decoded(home):
    """Each cell is a text: of another answer, too, one that is JSON is what was published."""
    cells = ["1", "2.5", "3", "true", "on", "4", "[5]"]
    stored = [Message(FIRST + i // 3 * DAY + i * 60 * SECOND, "a", "t/x", one) for i, one in enumerate(cells)]

    def answer(server, asked, _):
        rows = [f"{portal_rows.iso(one.at)},a,t/x,{one.payload}\n" for one in server._in(asked)]
        return give("time,client_id,topic,message\n" + "".join(rows), content_type="text/csv")

    with serve(Odd(answer, stored=stored)) as origin, connect(origin, home) as portal:
        isr.load_history(start="2026-11-01", end="2026-11-02", portal=portal)
        table = isr.open_history(start="2026-11-01", end="2026-11-05", portal=portal).to_table()
    assert table["payload"].to_pylist() == [b"1", b"2.5", b"3", b"true", b"on", b"4", b"[5]"]


@pytest.mark.parametrize("named", ["ISO-8859-1", "windows-1252", "utf-8", "latin1"])
def test_utf8_is_read_as_such_whatever_charset_is_named(named):
    """Servers write one beside it that is not asked for; a text of one byte a letter is hardly UTF-8 by chance."""
    text = f"{HEADER}\n{AT},a,t/x,Zürich 20 °C\n"
    assert told(read(text.encode(), content_type=f"text/csv; charset={named}"))[0][3] == "Zürich 20 °C".encode()
    if named != "utf-8":
        latin = text.encode("latin-1")
        assert told(read(latin, content_type=f"text/csv; charset={named}"))[0][3] == "Zürich 20 °C".encode()
        with pytest.raises(AnswerError, match=r"not UTF-8 .*no charset in its Content-Type \(text/csv\)"):
            read(latin, content_type="text/csv")


def test_a_header_is_known_by_the_names_of_a_contract():
    """In another language, say."""
    names = answers.Fields(time="Zeitpunkt", client_id="Gerät", topic="Thema", payload="Nutzlast")
    text = f"Messwerte\n\nZeitpunkt;Gerät;Thema;Nutzlast\n{AT};a;t/x;1\n"
    assert told(read(text.encode(), fields=names)) == [(NS, "a", "t/x", b"1")]
    with pytest.raises(AnswerError, match="neither JSON nor CSV"):
        read(text.encode())


def test_a_row_of_units_alone_is_no_row():
    """As of an empty range; what may be a row that lacks its instant is told."""
    assert read(f"{HEADER}\nUTC,,,JSON\n".encode()).rows == 0
    with pytest.raises(AnswerError, match="neither ISO 8601"):
        read(b"time,value\nnever,ok\n", client_id="a", topic="t/x")


@pytest.mark.parametrize(("field", "value"), [("_field", "_value"), ("field", "value")])
def test_rows_of_one_field_each_are_numbers_of_one_and_text_of_another(field, value):
    """Without annotations, too, where they share the column of values: 21.5 beside a state in words is a number."""
    cells = {"n": "21.5", "on": "true", "state": "idle", "big": "9007199254740993"}
    rows = "".join(f"{AT},a,t/x,{name},{cell}\n" for name, cell in cells.items())
    (found,) = told(read(f"time,client_id,topic,{field},{value}\n{rows}".encode()))
    assert json.loads(found[3]) == {"n": 21.5, "on": True, "state": "idle", "big": 9007199254740993}


def test_what_influxdb_adds_to_fields_beside_each_other_is_no_field():
    """A pivoted answer without annotations has its own columns, too."""
    text = f",result,table,_time,client_id,topic,on\n,_result,0,{AT},a,t/x,true\n"
    assert [json.loads(one[3]) for one in told(read(text.encode()))] == [{"on": True}]
    text = f"time,client_id,topic,table,on\n{AT},a,t/x,4,true\n"
    assert [json.loads(one[3]) for one in told(read(text.encode()))] == [{"table": 4, "on": True}]


def test_what_annotations_state_to_be_text_is_no_number():
    """A serial number of digits is as it was written."""
    kinds = "#datatype,string,long,dateTime:RFC3339,string,string,string,string\n"
    text = f"{kinds},result,table,_time,client_id,topic,_field,_value\n,_result,0,{AT},a,t/x,serial,12\n"
    assert [json.loads(one[3]) for one in told(read(text.encode()))] == [{"serial": "12"}]
