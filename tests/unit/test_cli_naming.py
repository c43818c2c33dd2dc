from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressline_cli.naming import LONGEST_BYTES, Namer, safe_stem
from pressline_cli.refusal import RefusalError


def names(pattern: str | None, *values: str) -> list[str]:
    namer = Namer(pattern, "png", len(values))
    return [namer.name(index, {"name": value}) for index, value in enumerate(values)]


def test_rows_are_numbered_with_zeros_by_default() -> None:
    assert names(None, *"abcdefghij")[::9] == ["01.png", "10.png"]


def test_the_extension_is_there_once() -> None:
    assert names("{{name}}.png", "Ada") == ["Ada.png"]
    assert names("{{ name }}", "Ada") == ["Ada.png"]


def test_duplicates_are_counted_regardless_of_case_and_composition() -> None:
    assert names("{{name}}", "Zoë", "zoë", "Zoe\u0308", "Zoë-2") == ["Zoë.png", "zoë-2.png", "Zoë-3.png", "Zoë-2-2.png"]


def test_the_folders_own_files_are_not_overwritten() -> None:
    assert names("{{name}}", "contact-sheet") == ["contact-sheet-2.png"]


def test_nested_values_and_row_numbers() -> None:
    assert Namer("{{row}} {{a.b}}", "pdf", 100).name(4, {"a": {"b": 7}}) == "005 7.pdf"


def test_an_unknown_column_is_refused_with_those_that_exist() -> None:
    with pytest.raises(RefusalError, match="row 1 has no 'nmae'; it has name"):
        names("{{nmae}}", "Ada")


@pytest.mark.parametrize(
    ("value", "stem"),
    [
        ("../../etc/passwd", "-..-etc-passwd"),
        ("C:\\Windows\\x", "C-Windows-x"),
        ("a\x00b\nc", "ab c"),
        ("  .hidden. ", "hidden"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("invoice\u202egpj", "invoicegpj"),
        ("عبد الرحمن", "عبد الرحمن"),
        ("👩🏽\u200d🚀", "👩🏽\u200d🚀"),
        ("Nguyễn", "Nguyễn"),
    ],
)
def test_unsafe_characters_go_and_letters_stay(value: str, stem: str) -> None:
    assert safe_stem(value) == stem


@pytest.mark.parametrize("value", ["", "...", "\x00", " "])
def test_nothing_left_falls_back_to_the_row_number(value: str) -> None:
    assert names("{{name}}", value) == ["1.png"]


def test_long_names_are_cut_between_letters() -> None:
    stem = safe_stem("य" * 60 + "é" * 100)
    assert len(stem.encode()) <= LONGEST_BYTES
    assert stem == "य" * 60 + "é" * 10


@given(st.lists(st.text(max_size=300), min_size=1, max_size=20))
def test_any_names_are_distinct_and_stay_in_the_folder(values: list[str]) -> None:
    made = names("{{name}}", *values)

    assert len({name.casefold() for name in made}) == len(values)
    for name in made:
        assert PurePosixPath(name).parts == (name,)
        assert PureWindowsPath(name).parts == (name,)
        assert not name.startswith(".")
        assert name.isprintable() or "\u200d" in name or "\u200c" in name
        assert len(name.encode()) <= 255
