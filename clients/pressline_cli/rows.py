"""Reading a table of rows: CSV, JSON lines, or a JSON array.

A table is never held: it is read row by row, more than once, so that all of it is checked before anything is submitted.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pressline_cli.refusal import RefusalError

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"
_LONGEST_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One row: its place in the table, counted from 0, the line it begins on, and its data."""

    index: int
    line: int
    data: dict[str, Any]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table; empty ones are passed over.

    Raises:
        RefusalError: naming the file, the line and what is wrong with it.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RefusalError(f"{path}: rows are read from {', '.join(sorted(_READERS))} files.")
    try:
        for index, (line, data) in enumerate(reader(path)):
            yield Row(index, line, data)
    except OSError as error:
        raise RefusalError(f"{path}: {error.strerror}.") from error


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if number == 1 and raw.startswith(_UTF16):
                raise RefusalError(f"{path} is UTF-16; save it as UTF-8.")
            try:
                yield (raw.removeprefix(_BOM) if number == 1 else raw).decode()
            except UnicodeDecodeError as error:
                raise RefusalError(
                    f"{path}, line {number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
                ) from error


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = _lines(path)
    first = next(lines, "")
    reader = csv.reader(_chain(first, lines), delimiter=_delimiter(first), strict=True)
    try:
        header = _header(path, next(reader, []))
        line = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                yield line, _named(path, line, header, values)
            line = reader.line_num + 1
    except csv.Error as error:
        raise RefusalError(f"{path}, line {reader.line_num}: {error}.") from error


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(header: str) -> str:
    # Spreadsheets write semicolons where the comma is the decimal sign.
    return max(_DELIMITERS, key=header.count)


def _header(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    if not any(names):
        raise RefusalError(f"{path}, line 1: there is no header; the first line names the columns.")
    if "" in names:
        raise RefusalError(f"{path}, line 1: column {names.index('') + 1} has no name.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RefusalError(f"{path}, line 1: two columns are named {twice!r}.")
    return names


def _named(path: Path, line: int, header: list[str], values: list[str]) -> dict[str, Any]:
    if len(values) != len(header):
        raise RefusalError(f"{path}, line {line}: {len(values)} values for {len(header)} columns.")
    return dict(zip(header, values, strict=True))


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            yield number, _object(f"{path}, line {number}", _parse(f"{path}, line {number}", line))


def _json_array(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    content = _parse(str(path), "".join(_lines(path)))
    if not isinstance(content, list):
        raise RefusalError(f"{path}: a JSON array of objects is expected.")
    for number, value in enumerate(content, 1):
        yield number, _object(f"{path}, element {number}", value)


def parse_object(where: str, text: str) -> dict[str, Any]:
    """A JSON object from text; `where` begins the refusal when it is not one."""
    return _object(where, _parse(where, text))


def _parse(where: str, text: str) -> object:
    def refuse(constant: str) -> None:
        raise RefusalError(f"{where}: {constant} is not JSON.")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise RefusalError(f"{where}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise RefusalError(f"{where}: nested too deeply.") from error


def _object(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusalError(f"{where}: a JSON object is expected.")
    return value


_READERS: dict[str, Callable[[Path], Iterator[tuple[int, dict[str, Any]]]]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".json": _json_array,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
