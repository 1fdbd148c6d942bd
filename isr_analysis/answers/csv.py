"""CSV as columns: with a header, and InfluxDB's with its annotations and several tables."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, raw, shape
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import plain, time_rank
from isr_analysis.answers.tables import SPECIAL
from isr_analysis.errors import AnswerError

MAY_BE_CUT = "it may be cut"
"""What an error says of a last line without an end."""

_DIVIDERS = (",", ";", "\t", "|")
_DROPPED = ("", "result", "table", "_start", "_stop")  # InfluxDB's own, the same in all rows of a table
_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_DECIMAL_COMMA = r"^-?(?:0|[1-9]\d*)(?:,\d+)?$"
_BOOLEAN = r"^(?:true|false)$"
_STATED = {"long": _NUMBER, "unsignedLong": _NUMBER, "double": _NUMBER, "boolean": _BOOLEAN}
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}

_ANNOTATION = re.compile(r"#(?:datatype|group|default)\b(.?)")
"""How InfluxDB's lines begin, and the divider behind that."""

_EXCEL = re.compile(r'"?sep=.?"?', re.IGNORECASE)
"""How the first line tells Excel the divider."""

_NAME = re.compile(r"""["']?(?:[^\W\d][^"'{}]*)?["']?""")
"""What a cell of a header may look like: no cell of a row holds all of them, as one is an instant."""

_FAR = 40
"""Lines that may stand before the header."""

_COUNT = re.compile(
    r"\W*(?:(?:total|count|rows|records|messages)\b\W*(\d+)|(\d+) (?:rows?|records?|messages?)\b).{0,20}", re.IGNORECASE
)
"""A last line that counts the rows."""

_UNIT_LESS = re.compile(r"-?|[\[(<].*[\])>]|text|str(?:ing)?|varchar|utf-?8", re.IGNORECASE)
"""What a row of units or types has below the names of clients and topics."""

_OF_TIME = ("local", "gmt", "cet", "cest", "iso", "z", "s", "ms", "us", "ns", "text", "str", "string")
"""What it may have below a time, beside words for one."""

_MISSING = pa.array(["", "NULL", "null", r"\N"])
"""Cells without a value, as databases write them."""

Row = list[str]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a text of CSV begins: the place of its header or first annotation, its divider, and the notes before it."""

    at: int
    divider: str
    notes: list[str]


def head_of(text: str, named: Collection[str] = ()) -> Head | None:
    """Find the header of a text if it is CSV: a line of names, one of them of an instant, or else the first line.

    What is `named` is known, whatever it is called.

    Before it may stand the divider for Excel, notes behind ``#``, and lines of fewer cells, such as a title; the
    header itself may stand behind ``#``.
    """
    notes: list[str] = []
    widths: set[int] = set()
    first = behind = None
    lines = list(itertools.islice(re.finditer(r"[^\r\n]*(?:\r\n|\n|\r|\Z)", text), _FAR))
    for nth, line in enumerate(lines):
        said = line[0].strip()
        if (found := _ANNOTATION.match(said)) is not None:
            return Head(line.start(), found[1] or ",", notes)
        if not said or (not nth and _EXCEL.fullmatch(said)):
            continue
        bare = said.lstrip("# ")
        cells, divider = _parted(bare, named)
        head = Head(line.start() + line[0].index(bare), divider, list(notes))
        timed = any(time_rank(name) is not None or name in named for name in cells) and all(map(_NAME.fullmatch, cells))
        fits = timed and len(cells) > 1 and len(cells) not in widths
        notes.append(bare)
        if said.startswith("#"):
            behind = head if fits and behind is None else behind
        elif fits or behind is not None:
            return head if fits else behind
        else:
            widths.add(len(cells))
            first = head if first is None and len(cells) > 1 and _known(cells, named) else first
    return first or behind


def _parted(line: str, named: Collection[str]) -> tuple[Row, str]:
    """Part a line by the divider that yields the most names that are known, or else the most cells."""
    found = [([cell.strip().strip('"') for cell in line.split(one)], one) for one in _DIVIDERS]
    return max(found, key=lambda parted: (_known(parted[0], named) * (len(parted[0]) > 1), len(parted[0])))


def _known(names: Row, named: Collection[str]) -> int:
    """Count the names that are known."""
    known = (*shape.CLIENT, *shape.TOPIC, *shape.PERHAPS_TOPIC, *shape.PAYLOAD, "value")
    return sum(time_rank(name) is not None or plain(name) in known or name in named for name in names)


def read(text: str, head: Head, *, whole: bool = False) -> tuple[Columns, list[str]]:
    """Give the rows of a CSV text as columns, and what lines that are no rows say.

    A column of which each cell is a number (between semicolons, with a comma for the point as well), ``true`` or
    ``false``, or a JSON object or array is that; any other is text, and so is a payload. An empty cell is a missing
    value. InfluxDB's annotations say the types themselves. A row of units below the header is left out, and so are
    notes behind ``#``, and a last line that states how many rows came. JSON in the last cells may stand there with its
    quotes as they are, or behind backslashes.

    Raises
    ------
    AnswerError
        A line has more or fewer cells than the header, a quote is not closed, the last line may be cut and it is not
        known that the text is `whole`, or InfluxDB states an error.
    """
    notes, body = list(head.notes), text[head.at :]
    try:
        tables = list(_tables(_rows(body, head.divider, whole=whole), head.divider, notes))
    except AnswerError:
        if (records := _of_json(body, head.divider)) is None:
            raise
        tables = list(_tables(records, head.divider, notes))
    return tables[0] if len(tables) == 1 else columns.concat([(one, columns.length(one)) for one in tables]), notes


def _of_json(text: str, divider: str) -> list[Row] | None:
    r"""Give the records of a text of which each ends in JSON, with its quotes as they are, or behind backslashes.

    None if any record does not, so that it is certain.
    """
    lines = text.splitlines()
    last = lines[0].count(divider)
    plain_rows = [line.split(divider, last) for line in lines if line]
    if last and plain_rows[1:] and all(len(row) > last and _is_json(row[last]) for row in plain_rows[1:]):
        return plain_rows
    if '\\"' not in text or re.search(rf'[^{re.escape(divider)}\s]""', text.replace('\\"', "")):  # doubled, too
        return None
    for escaped in (r'\\(["\\])', r'\\(")'):
        with contextlib.suppress(AnswerError):
            rows = _rows(re.sub(escaped, lambda found: found[1].replace('"', '""'), text), divider, whole=False)
            if rows[1:] and all(any(map(_is_json, row)) for row in rows[1:] if row != [""]):
                return rows
    return None


def _is_json(cell: str) -> bool:
    return cell.startswith(("{", "[")) and raw.is_json(cell.encode("utf-8", "surrogatepass"))


def _tables(records: list[Row], divider: str, said: list[str]) -> Iterator[Columns]:
    notes: dict[str, Row] = {}
    names: Row | None = None
    rows: list[Row] = []
    after_blank = padded = False
    records = _unescaped(records) if divider == "\t" else records
    for number, record in enumerate(records, 1):
        row = [cell.strip(" ") for cell in record] if padded else record
        if row == [""]:
            after_blank = True
            continue
        begins = row[0].startswith("#") and row[0][1:] in ("datatype", "group", "default")
        if names is not None and (begins or (after_blank and _is_header(row, names))):
            yield _table(names, rows, notes, divider)
            names, rows, notes = None, [], {}
        after_blank = False
        if begins:
            notes[row[0][1:]] = row
        elif names is None:
            names = [name.strip() for name in row]
            padded = any(name.startswith(" ") for name in row)
        elif row == names:
            continue  # of the next page, in the same text
        elif len(row) == len(names) or (len(row) == len(names) + 1 and not row[-1]):
            rows.append(row[: len(names)])
        elif row[0].startswith("#") or _counts(
            row, len(rows) - _are_units(names, rows), is_last=number == len(records)
        ):
            said.append(divider.join(row).lstrip("# "))
        else:
            raise AnswerError(f"record {number} of the CSV has {len(row)} cells, its header {len(names)}: {row[:6]}")
    if names is not None:
        yield _table(names, rows, notes, divider)


def _counts(row: Row, rows: int, *, is_last: bool) -> bool:
    """Tell whether a record is a last line that says how many rows came, and so many did."""
    found = _COUNT.fullmatch(" ".join(row)) if is_last else None
    return found is not None and int(found[1] or found[2]) == rows


def _unescaped(rows: list[Row]) -> list[Row]:
    """Undo the backslashes with which databases write cells between tabs, where a cell of JSON shows that they do."""
    if not any("\\" in cell for row in rows for cell in row):
        return rows
    rows = [["" if cell == r"\N" else cell for cell in row] for row in rows]
    texts = (cell for row in rows for cell in row if "\\" in cell and cell[0] in "{[")
    if not any(raw.is_json(_plain(cell).encode()) and not raw.is_json(cell.encode()) for cell in texts):
        return rows
    return [[_plain(cell) for cell in row] for row in rows]


def _plain(cell: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), cell)


def _is_header(row: Row, names: Row) -> bool:
    """Tell whether a record after a blank line begins a new table. What looks like a name may well be a topic."""
    return row == names or "_time" in row or "_value" in row or row[1:2] == ["error"]


def _rows(text: str, divider: str, *, whole: bool) -> list[Row]:
    mark = re.escape(divider)
    cells = re.findall(
        rf'(?: *+"([^"]*+(?:""[^"]*+)*+)" *+|((?! *+")[^{mark}\r\n]*+))({mark}|\r\n|\n|\r|\Z)|([\s\S]+)', text
    )
    if not text.endswith(divider):
        cells.pop()  # the end of the text is no cell of its own
    rows: list[Row] = []
    row: Row = []
    for quoted, plain_cell, end, wrong in cells:
        if wrong:
            raise AnswerError(f"record {len(rows) + 1} of the CSV has a quote that is not closed, or text after one")
        row.append(quoted.replace('""', '"') if quoted else plain_cell)
        if end != divider:
            rows.append(row)
            row = []
    if not whole and not text.endswith(("\n", "\r")) and not (len(rows) > 1 and _is_whole(cells[-1])):
        raise AnswerError(
            f"the CSV's last line has no end (a line feed after it), so {MAY_BE_CUT}: the last cell could be the "
            f"beginning of a longer one ({cells[-1][0] or cells[-1][1]!r}). Fetch the answer again; if a saved file is "
            "whole, add a line end to it"
        )
    return rows


def _is_whole(cell: tuple[str, str, str, str]) -> bool:
    """Tell whether the last cell of a text cannot be the beginning of a longer one."""
    text = (cell[0].replace('""', '"') if cell[0] else cell[1]).encode()
    kinds = '{["0' if cell[0] else "{["
    return (bool(text) and raw.kind(text) in kinds and raw.is_json(text)) or re.fullmatch(
        rb"\d{4}-\d\d-\d\dT[\d:.]+Z", text
    ) is not None


def _are_units(names: Row, rows: list[Row]) -> bool:
    """Tell whether the first row is none, but says what is in the columns: there is a word where others have digits."""
    times = [i for i, name in enumerate(names) if (rank := time_rank(name)) is not None and rank <= shape.RECEIVED]
    if not rows or not times or not all(re.match(r"-?\d", rows[1][i]) for i in times if rows[1:]):
        return False
    whose = [cell for name, cell in zip(names, rows[0], strict=True) if plain(name) in (*shape.CLIENT, *shape.TOPIC)]
    words = [rows[0][i].strip("[]()<> ") for i in times]
    is_word = all(word.isalpha() and (time_rank(word) is not None or word.lower() in _OF_TIME) for word in words)
    values = [cell for cell in rows[0] if re.match(r'[-+]?[\d.]|[{"]|(?i:true|false|null|none|nan?)$', cell)]
    return is_word and not values and all(map(_UNIT_LESS.fullmatch, whose))


def _table(names: Row, rows: list[Row], notes: dict[str, Row], divider: str) -> Columns:
    if len(set(names) - {""}) != len([name for name in names if name]):
        raise AnswerError(f"the CSV's header names a column twice: {names}")
    if "error" in names and "reference" in names and rows:
        raise AnswerError(f"InfluxDB states an error: {rows[0][names.index('error')]}")
    rows = rows[1:] if _are_units(names, rows) else rows
    kinds = notes.get("datatype", [])
    defaults = notes.get("default", [])
    made: Columns = {}
    for i, (name, cells) in enumerate(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)):
        if name in _DROPPED and (name in ("", "_start", "_stop") or {"_value", "_time"} & {*names} or kinds):
            continue
        default = defaults[i] if i < len(defaults) else ""
        column = columns.text([cell or default for cell in cells])
        if kinds:
            made[name] = _as_stated(name, column, kinds[i] if i < len(kinds) else "string")
        else:
            made[name] = column if plain(name) in shape.PAYLOADS else _as_found(column, divider)
    for field, value in shape.FRAGMENT:
        if not kinds and field in made and value in made and pa.types.is_string(made[value].type):
            made[value] = _by_field(made[field].to_pylist(), made[value].to_pylist(), divider)
    return made


def _by_field(fields: Row, values: Row, divider: str) -> pa.ChunkedArray:
    """Tell what the values are of rows that hold one field each: numbers of one, and text of another."""
    places: dict[str, list[int]] = {}
    for i, field in enumerate(fields):
        places.setdefault(field, []).append(i)
    found: list[bytes | None] = [None] * len(values)
    for rows in places.values():
        column = columns.as_json(_as_found(columns.text([values[i] for i in rows]), divider))
        for i, one in zip(rows, column.to_pylist(), strict=True):
            found[i] = one
    return columns.json_texts(found)


def _as_stated(name: str, column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    if kind not in _STATED:
        return column
    pattern, values = re.compile(_STATED[kind]), column.to_pylist()
    for one in values:
        if one and not pattern.match(one) and one.encode() not in SPECIAL:
            raise AnswerError(f"the CSV's column {name!r} is said to be {kind} but holds {one[:60]!r}")
    return columns.json_texts([SPECIAL.get(one, one) for one in map(str.encode, values)])


def _as_found(column: pa.ChunkedArray, divider: str) -> pa.ChunkedArray:
    column = pc.if_else(pc.is_in(column, _MISSING), None, column)
    if column.null_count == len(column):
        return column
    if divider == ";" and pc.all(pc.match_substring_regex(column, _DECIMAL_COMMA)).as_py():
        column = pc.replace_substring(column, ",", ".")
    if pc.all(pc.match_substring_regex(column, _NUMBER)).as_py():
        return column.cast(pa.binary())
    if pc.all(pc.match_substring_regex(column, r"^(?i:true|false)$")).as_py():
        return pc.utf8_lower(column).cast(pa.binary())
    values = [None if one is None else one.encode() for one in column.to_pylist()]
    if any(one in SPECIAL for one in values):
        numbers = [SPECIAL.get(one, one) if one else None for one in values]
        if all(one is None or (raw.kind(one) == "0" and raw.is_json(one)) for one in numbers):
            return columns.json_texts(numbers)
    if all(one is None or (one[:1] in b"{[" and raw.is_json(one)) for one in values):
        return columns.json_texts(values)
    return column
