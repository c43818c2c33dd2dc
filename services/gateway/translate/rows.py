"""Items as rows of a table: NDJSON, and CSV that a spreadsheet can open without harm."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from pydantic_core import to_json

from pressline.batch.v1 import batch_pb2
from services.gateway.translate import native

# Fields of an item that are objects or lists get columns of their own, or stay JSON.
_ERROR = ("error_code", "error_message", "error_screenshot_url")
COLUMNS = (
    "id",
    "index",
    "status",
    "reference",
    "filename",
    "retry_of",
    "url",
    "format",
    "width",
    "height",
    "pages",
    "bytes",
    "sha256",
    "attempts",
    "crashes",
    "queued_at",
    "claimed_at",
    "finished_at",
    "duration_ms",
    "upload_ms",
    *_ERROR,
    "warnings",
    "outputs",
)
# What makes a spreadsheet take a cell for a formula; the last four are the wide forms of the first.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def ndjson(items: Iterable[batch_pb2.Item]) -> bytes:
    """A line of JSON for each item."""
    return b"".join(to_json(native.item(item)) + b"\n" for item in items)


def csv_rows(items: Iterable[batch_pb2.Item]) -> bytes:
    """A line of CSV for each item, in the order of `COLUMNS`."""
    return _encoded([_cell(value) for value in _values(item)] for item in items)


def _values(item: batch_pb2.Item) -> list[Any]:
    fields = native.item(item)
    error = fields.pop("error") or {}
    fields |= {column: error.get(column.removeprefix("error_")) for column in _ERROR}
    return [fields[column] for column in COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return to_json(value).decode() if value else ""
    text = str(value)
    # The quote is the spreadsheets' own mark of a text.
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text


def _encoded(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


CSV_HEADER = _encoded([COLUMNS])
