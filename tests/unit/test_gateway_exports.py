"""Items as NDJSON and CSV, and which of them a caller wants."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pressline.batch.v1 import batch_pb2
from services.gateway import exports
from services.gateway.translate import native, rows

PNG = batch_pb2.Output(url="http://f", format=batch_pb2.FORMAT_PNG, width=3, height=2, size_bytes=9, sha256="ab")
DONE = batch_pb2.Item(
    id="gen_1",
    index=7,
    state=batch_pb2.ITEM_STATE_SUCCEEDED,
    format=batch_pb2.FORMAT_PNG,
    outputs=[PNG],
    attempts=1,
    duration_ms=12,
)


def table(*items: batch_pb2.Item) -> list[dict[str, str]]:
    text = (rows.CSV_HEADER + rows.csv_rows(items)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/html", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV ; charset=utf-8", "csv"),
        ("application/x-ndjson", "ndjson"),
        ("text/csv;q=0.5, application/x-ndjson", "ndjson"),
        ("application/x-ndjson;q=0.5, text/csv;q=0.9, */*;q=0.1", "csv"),
        ("text/csv;q=0, */*", "json"),
        ("text/csv;q=much", "json"),
        ("application/x-ndjson, text/csv", "ndjson"),
    ],
)
def test_the_form_that_is_liked_best(accept: str, form: str) -> None:
    assert exports.wanted(accept) == form


def test_a_line_of_ndjson_is_the_item_as_json() -> None:
    lines = rows.ndjson([DONE, DONE]).splitlines()
    assert [json.loads(line) for line in lines] == [native.item(DONE)] * 2


def test_a_line_of_csv_holds_every_field_of_the_item() -> None:
    errors = {"error_code", "error_message", "error_screenshot_url"}
    assert set(rows.COLUMNS) == set(native.item(DONE)) - {"error"} | errors
    (row,) = table(DONE)
    assert (row["id"], row["index"], row["status"], row["url"], row["bytes"]) == (
        "gen_1",
        "7",
        "succeeded",
        "http://f",
        "9",
    )
    assert json.loads(row["outputs"]) == native.item(DONE)["outputs"]
    assert (row["error_code"], row["error_message"], row["warnings"], row["pages"]) == ("", "", "", "")


def test_csv_tells_errors_and_warnings() -> None:
    error = batch_pb2.ItemError(
        code="TEMPLATE_ERROR", message='"name" is missing,\nsee row 2', screenshot_url="http://f"
    )
    (row,) = table(batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, errors=[error], warnings=["odd"]))
    assert (row["error_code"], row["error_message"]) == ("TEMPLATE_ERROR", '"name" is missing,\nsee row 2')
    assert row["error_screenshot_url"] == "http://f"
    assert json.loads(row["warnings"]) == ["odd"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1dcmd|' /C calc'!A0"])
def test_no_cell_of_the_callers_is_a_formula(text: str) -> None:
    error = batch_pb2.ItemError(code=text, message=text)
    item = batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, reference=text, filename=text, errors=[error])
    (row,) = table(item)
    for column in ("reference", "filename", "error_code", "error_message"):
        assert row[column] == f"'{text}"


def test_other_text_stays_as_it_is() -> None:
    (row,) = table(batch_pb2.Item(state=batch_pb2.ITEM_STATE_PENDING, reference='żółć, "x" = 1; a\u2028b'))
    assert row["reference"] == 'żółć, "x" = 1; a\u2028b'
