"""Bodies: exact numbers, and a sentence for everything that is wrong."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from services.common.errors import PresslineError, Reason
from services.gateway.jsonbody import parse
from services.gateway.models.fields import Row

ROW: TypeAdapter[bytes] = TypeAdapter(Row)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b'{"a":', "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b'{"a": "raw \x00"}', "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8: byte 0"),
        ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
        (b'{"a": 1, "b": 2, "a": 1}', "two values under 'a'"),
        (b'{"items": [{"data": {"x": 1.5, "x": -2}}]}', "two values under 'x'"),
        (b'{"a": 1, "\\u0061": 2}', "two values under 'a'"),
    ],
)
def test_an_unreadable_body_is_explained(body: bytes, sentence: str) -> None:
    with pytest.raises(PresslineError, match=sentence) as caught:
        parse(body)
    assert caught.value.reason is Reason.VALIDATION_ERROR


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"items": [1, {"data": {"name": "a\\u0000b"}}]}', "items[1].data.name"),
        (b'{"a": {"b\\u0000": 1}}', "a"),
        (b'{"\\u0000": 1}', "body"),
        (b'"\\u0000"', "body"),
    ],
)
def test_nul_is_refused_where_it_is(body: bytes, path: str) -> None:
    with pytest.raises(PresslineError) as caught:
        parse(body)
    assert [violation.path for violation in caught.value.violations] == [path]


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse(rb'{"a": "\\u0000"}') == {"a": "\\u0000"}


def test_one_name_may_stand_in_many_objects() -> None:
    body = b'{"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1}'
    assert parse(body) == {"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1}


def test_numbers_and_text_travel_exactly() -> None:
    row = '{"id":9007199254740993,"big":123456789012345678901234567890,"f":0.1,"e":1e+22,"text":"é 😀"}'.encode()
    assert ROW.validate_python(parse(row), strict=True) == row


def test_a_number_that_overflows_is_refused_where_it_is() -> None:
    with pytest.raises(ValidationError, match=r"too large at list\[1\]\.x"):
        ROW.validate_python(parse(b'{"list": [1, {"x": 1e999}]}'), strict=True)


def test_the_word_infinity_is_just_text() -> None:
    assert ROW.validate_python({"a": "Infinity"}) == b'{"a":"Infinity"}'


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_a_row_is_an_object(value: object) -> None:
    with pytest.raises(ValidationError, match="must be an object"):
        ROW.validate_python(value)
