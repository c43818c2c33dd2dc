from __future__ import annotations

from pathlib import Path

import pytest

from pressline_cli.refusal import RefusalError
from pressline_cli.rows import read_rows


def table(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def data(path: Path) -> list[dict[str, object]]:
    return [row.data for row in read_rows(path)]


def test_csv_with_byte_order_mark_quoted_newlines_and_empty_rows(tmp_path: Path) -> None:
    path = table(tmp_path, '\ufeffname, note\r\nAda,"two\r\nlines, ""quoted"""\r\n,\r\n\r\nŁukasz,\r\n')

    rows = list(read_rows(path))

    assert [row.data for row in rows] == [
        {"name": "Ada", "note": 'two\r\nlines, "quoted"'},
        {"name": "Łukasz", "note": ""},
    ]
    assert [(row.index, row.line) for row in rows] == [(0, 2), (1, 6)]


def test_semicolons_are_recognised(tmp_path: Path) -> None:
    assert data(table(tmp_path, "name;price\nAda;1,50\n")) == [{"name": "Ada", "price": "1,50"}]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson"])
def test_json_lines_keep_types(tmp_path: Path, name: str) -> None:
    path = table(tmp_path, '\ufeff{"n": 9007199254740993, "deep": {"x": [1, null]}}\n\n{"n": 1.5}\n', name)

    assert data(path) == [{"n": 9007199254740993, "deep": {"x": [1, None]}}, {"n": 1.5}]


def test_json_array(tmp_path: Path) -> None:
    assert data(table(tmp_path, '[{"a": 1}, {"a": 2}]', "rows.json")) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.csv", b"name\nAda\nJos\xe9\n", ["line 3", "byte 4", "UTF-8"]),
        ("rows.csv", "name\nAda\n".encode("utf-16"), ["UTF-16"]),
        ("rows.csv", b"name,age,name\n", ["line 1", "'name'"]),
        ("rows.csv", b"name,,age\n", ["line 1", "column 2"]),
        ("rows.csv", b"", ["header"]),
        ("rows.csv", b"a,b\n1,2\n1,2,3\n", ["line 3", "3 values for 2 columns"]),
        ("rows.csv", b'a\n"open\n', ["line"]),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', ["line 2", "not JSON"]),
        ("rows.jsonl", b"[1]\n", ["line 1", "object"]),
        ("rows.jsonl", b'{"a": NaN}\n', ["line 1", "NaN"]),
        ("rows.json", b'{"a": 1}', ["array"]),
        ("rows.json", b'[{"a": 1}, 2]', ["element 2", "object"]),
        ("rows.json", b"[" * 100_000, ["nested too deeply"]),
        ("rows.xlsx", b"", [".csv", ".jsonl"]),
    ],
)
def test_refusals_say_where_and_what(tmp_path: Path, name: str, content: bytes, words: list[str]) -> None:
    with pytest.raises(RefusalError) as refused:
        data(table(tmp_path, content, name))

    assert name in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="No such file"):
        data(tmp_path / "none.csv")
