"""CSV as columns: with a header, and InfluxDB's with its annotations and several tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from isr_analysis.answers import columns, raw
from isr_analysis.answers.columns import Columns
from isr_analysis.answers.shape import BASE64, CLIENT, HEX, PAYLOAD, PERHAPS_TOPIC, TOPIC, plain, time_rank
from isr_analysis.answers.tables import SPECIAL
from isr_analysis.errors import AnswerError

_DIVIDERS = (",", ";", "\t", "|")
_DROPPED = ("", "result", "table", "_start", "_stop")  # InfluxDB's own, the same in all rows of a table
_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_DECIMAL_COMMA = r"^-?(?:0|[1-9]\d*)(?:,\d+)?$"
_BOOLEAN = r"^(?:true|false)$"
_STATED = {"long": _NUMBER, "unsignedLong": _NUMBER, "double": _NUMBER, "boolean": _BOOLEAN}
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}

_BEFORE = re.compile(r'(?:"?sep=.?"?|#(?!datatype|group|default)[^\r\n]*|[ \t]*)(?:\r\n|\n|\r)', re.IGNORECASE)

Row = list[str]


def divider_of(text: str) -> str | None:
    """Give the divider of a text's header if it is CSV: the one that yields the most names that are known."""
    head = next((line for line in body_of(text).splitlines() if line.strip() and not line.startswith("#")), "")
    known = {
        one: sum(
            time_rank(name) is not None or plain(name) in (*CLIENT, *TOPIC, *PERHAPS_TOPIC, *PAYLOAD, "value")
            for name in names
        )
        for one in _DIVIDERS
        if len(names := [cell.strip().strip('"') for cell in head.split(one)]) > 1
    }
    best = max(known, key=lambda one: known[one], default=None)
    return best if best is not None and known[best] else None


def body_of(text: str) -> str:
    """Give a text without what may stand before its header: the divider, for Excel, and notes behind ``#``."""
    at = 0
    while (found := _BEFORE.match(text, at)) is not None:
        at = found.end()
    return text[at:]


def read(text: str, divider: str) -> Columns:
    """Give the rows of a CSV text as columns.

    A column of which each cell is a number (between semicolons, with a comma for the point as well), ``true`` or
    ``false``, or a JSON object or array is that; any other is text, and so is a payload. An empty cell is a missing
    value. InfluxDB's annotations say the types themselves.

    Raises
    ------
    AnswerError
        A line has more or fewer cells than the header, a quote is not closed, the last line may be cut, or InfluxDB
        states an error.
    """
    tables = [(table, columns.length(table)) for table in _tables(body_of(text), divider)]
    return tables[0][0] if len(tables) == 1 else columns.concat(tables)


def _tables(text: str, divider: str) -> Iterator[Columns]:
    notes: dict[str, Row] = {}
    names: Row | None = None
    rows: list[Row] = []
    after_blank = False
    records = _rows(text, divider)
    records = _unescaped(records) if divider == "\t" and "\\" in text else records
    for number, row in enumerate(records, 1):
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
        elif len(row) != len(names):
            raise AnswerError(f"record {number} of the CSV has {len(row)} cells, its header {len(names)}: {row[:6]}")
        else:
            rows.append(row)
    if names is not None:
        yield _table(names, rows, notes, divider)


def _unescaped(rows: list[Row]) -> list[Row]:
    """Undo the backslashes with which databases write cells between tabs, where a cell of JSON shows that they do."""
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


def _rows(text: str, divider: str) -> list[Row]:
    mark = re.escape(divider)
    cells = re.findall(
        rf'(?:"([^"]*+(?:""[^"]*+)*+)"|((?:[^"{mark}\r\n][^{mark}\r\n]*+)?))({mark}|\r\n|\n|\r|\Z)|([\s\S]+)', text
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
    if not text.endswith(("\n", "\r")) and not (len(rows) > 1 and _is_whole(cells[-1])):
        raise AnswerError(
            "the CSV's last line has no end (a line feed after it), so it may be cut: the last cell could be the "
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


def _table(names: Row, rows: list[Row], notes: dict[str, Row], divider: str) -> Columns:
    if len(set(names) - {""}) != len([name for name in names if name]):
        raise AnswerError(f"the CSV's header names a column twice: {names}")
    if "error" in names and "reference" in names and rows:
        raise AnswerError(f"InfluxDB states an error: {rows[0][names.index('error')]}")
    kinds = notes.get("datatype", [])
    defaults = notes.get("default", [])
    made: Columns = {}
    for i, (name, cells) in enumerate(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)):
        if name in _DROPPED and (name in ("", "_start", "_stop") or "_value" in names or kinds):
            continue
        default = defaults[i] if i < len(defaults) else ""
        column = columns.text([cell or default for cell in cells])
        if kinds:
            made[name] = _as_stated(name, column, kinds[i] if i < len(kinds) else "string")
        else:
            made[name] = column if plain(name) in (*PAYLOAD, *BASE64, *HEX) else _as_found(column, divider)
    return made


def _as_stated(name: str, column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    if kind not in _STATED:
        return column
    pattern, values = re.compile(_STATED[kind]), column.to_pylist()
    for one in values:
        if one and not pattern.match(one) and one.encode() not in SPECIAL:
            raise AnswerError(f"the CSV's column {name!r} is said to be {kind} but holds {one[:60]!r}")
    return columns.json_texts([SPECIAL.get(one, one) for one in map(str.encode, values)])


def _as_found(column: pa.ChunkedArray, divider: str) -> pa.ChunkedArray:
    column = pc.if_else(pc.equal(column, ""), None, column)
    if column.null_count == len(column):
        return column
    if divider == ";" and pc.all(pc.match_substring_regex(column, _DECIMAL_COMMA)).as_py():
        column = pc.replace_substring(column, ",", ".")
    if pc.all(pc.match_substring_regex(column, _NUMBER)).as_py():
        return column.cast(pa.binary())
    if pc.all(pc.match_substring_regex(column, r"^(?i:true|false)$")).as_py():
        return pc.utf8_lower(column).cast(pa.binary())
    values = [None if one is None else one.encode() for one in column.to_pylist()]
    if all(one is None or (one[:1] in b"{[" and raw.is_json(one)) for one in values):
        return columns.json_texts(values)
    return column
