"""Messages of the DevTools protocol in their binary form."""

from __future__ import annotations

from typing import Any

import pytest

from services.renderer.engine import cbor

VALUES: list[Any] = [
    {},
    {"id": 1, "method": "Page.enable", "params": {}, "sessionId": "ABC"},
    {"text": "Zürich, 日本語, 😀", "empty": "", "long": "x" * 70_000},
    {"numbers": [0, 23, 24, 255, 256, 65_535, 65_536, 2**31 - 1, -1, -24, -25, -(2**31)]},
    {"floats": [0.5, -1.25, 1e300]},
    {"constants": [True, False, None], "nested": [[], [{}], {"a": {"b": [1]}}]},
    {"data": b"", "more": bytes(range(256)) * 300},
]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    message = cbor.encode(value)
    assert cbor.decode(message) == value
    assert cbor.length(message[: cbor.HEADER_BYTES]) == len(message) - cbor.HEADER_BYTES


def test_numbers_beyond_32_bits_become_fractions() -> None:
    assert cbor.decode(cbor.encode({"now": 1_767_225_600_000})) == {"now": 1_767_225_600_000.0}


def test_text_that_is_not_latin_comes_in_utf_16() -> None:
    text = "日本".encode("utf-16-le")
    content = b"\xbf" + b"\x61a" + bytes((0x40 | len(text),)) + text + b"\xff"
    assert cbor.decode(b"\xd8\x18\x5a" + len(content).to_bytes(4) + content) == {"a": "日本"}


def test_half_a_character_is_replaced() -> None:
    assert cbor.decode(cbor.encode({"a": "x\ud800y"})) == {"a": "x?y"}


@pytest.mark.parametrize(
    ("message", "number"), [({"id": 70_000, "result": {"data": "x" * 500}}, 70_000), ({"method": "a"}, None)]
)
def test_the_beginning_of_an_answer_tells_its_command(message: dict[str, Any], number: int | None) -> None:
    assert cbor.answered(cbor.encode(message)[cbor.HEADER_BYTES :][:50]) == number


@pytest.mark.parametrize("end", [1, 8, 20, -1])
def test_a_message_that_breaks_off_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match=r"begins no value|breaks off|begins neither"):
        cbor.decode(cbor.encode({"id": 1, "text": "some text", "data": b"bytes"})[:end])


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="begins no message"):
        cbor.length(b'{"id":1')
    with pytest.raises(ValueError, match="begins no value"):
        cbor.decode(b"\xfe")
