"""Messages of the DevTools protocol in its binary form: the part of CBOR (RFC 8949) that Chromium writes and reads.

Beside plain CBOR, maps and arrays stand in envelopes (tag 24 around a byte string of 32 bits' length) and have no
length of their own; text that is not Latin comes as a byte string of UTF-16; bytes have tag 22.
"""

from __future__ import annotations

import struct
from typing import Any

# An envelope's two tags and its length.
HEADER_BYTES = 7
_ENVELOPE = b"\xd8\x18\x5a"
_BYTES_TAG = b"\xd6"
_MAP, _ARRAY, _STOP = b"\xbf", b"\x9f", b"\xff"
# A map whose first key is "id", as Chromium's answers begin.
_ANSWER = b"\xbf\x62id"
_DOUBLE = b"\xfb"
_UNSIGNED, _NEGATIVE, _BINARY, _TEXT = 0, 1, 2, 3
_IN_ONE_BYTE = 24
_INT32 = 1 << 31
_SIMPLE_VALUES = {0xF4: False, 0xF5: True, 0xF6: None}
_CONSTANTS = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


def encode(value: Any) -> bytes:
    """A JSON value, or bytes, as CBOR. Strings that are no sound Unicode lose what is not."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def decode(message: bytes) -> Any:
    """The value of a message as Chromium writes it.

    Raises:
        ValueError: it is none.
    """
    try:
        return _read(message, 0)[0]
    except (IndexError, struct.error) as error:
        raise ValueError("the message breaks off") from error


def length(header: bytes) -> int:
    """The bytes that follow the header of a message.

    Raises:
        ValueError: it is no header.
    """
    if not header.startswith(_ENVELOPE):
        raise ValueError(f"{header!r} begins no message")
    return int.from_bytes(header[len(_ENVELOPE) :])


def answered(beginning: bytes) -> int | None:
    """The number of the command that a message answers, from what follows its header; None for an event."""
    if not beginning.startswith(_ANSWER):
        return None
    number: int = _read(beginning, len(_ANSWER))[0]
    return number


def _write(value: Any, parts: list[bytes]) -> None:
    if value is None or isinstance(value, bool):
        parts.append(_CONSTANTS[value])
    elif isinstance(value, str):
        text = value.encode(errors="replace")
        parts += (_head(_TEXT, len(text)), text)
    elif isinstance(value, int) and -_INT32 <= value < _INT32:
        parts.append(_head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value))
    elif isinstance(value, int | float):
        parts.append(_DOUBLE + struct.pack(">d", value))
    elif isinstance(value, bytes):
        parts += (_BYTES_TAG, _head(_BINARY, len(value)), value)
    else:
        _write_envelope(value, parts)


def _write_envelope(value: Any, parts: list[bytes]) -> None:
    inner: list[bytes] = [_MAP if isinstance(value, dict) else _ARRAY]
    for item in value:
        _write(item, inner)
        if isinstance(value, dict):
            _write(value[item], inner)
    inner.append(_STOP)
    content = b"".join(inner)
    parts += (_ENVELOPE, len(content).to_bytes(4), content)


def _head(major: int, number: int) -> bytes:
    if number < _IN_ONE_BYTE:
        return bytes((major << 5 | number,))
    for more, size in enumerate((1, 2, 4, 8)):
        if number < 1 << 8 * size:
            return bytes((major << 5 | _IN_ONE_BYTE + more,)) + number.to_bytes(size)
    raise ValueError(f"{number} is too large")


def _read(message: bytes, at: int) -> tuple[Any, int]:
    first = message[at]
    if first in _SIMPLE_VALUES:
        return _SIMPLE_VALUES[first], at + 1
    if message.startswith(_ENVELOPE, at):
        return _read_nested(message, at + HEADER_BYTES)
    if first == _DOUBLE[0]:
        return struct.unpack_from(">d", message, at + 1)[0], at + 9
    if first == _BYTES_TAG[0]:
        return _read_content(message, at + 1)
    return _read_plain(message, at)


def _read_nested(message: bytes, at: int) -> tuple[Any, int]:
    if message[at] == _MAP[0]:
        return _read_map(message, at + 1)
    if message[at] == _ARRAY[0]:
        return _read_array(message, at + 1)
    raise ValueError(f"{message[at]:#x} begins neither map nor array")


def _read_plain(message: bytes, at: int) -> tuple[Any, int]:
    major = message[at] >> 5
    if major in {_UNSIGNED, _NEGATIVE}:
        number, after = _read_number(message, at)
        return (number if major == _UNSIGNED else -1 - number), after
    if major in {_BINARY, _TEXT}:
        content, after = _read_content(message, at)
        return content.decode("utf-8" if major == _TEXT else "utf-16-le", errors="replace"), after
    raise ValueError(f"{message[at]:#x} begins no value")


def _read_map(message: bytes, at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while message[at] != _STOP[0]:
        key, at = _read(message, at)
        found[key], at = _read(message, at)
    return found, at + 1


def _read_array(message: bytes, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while message[at] != _STOP[0]:
        item, at = _read(message, at)
        found.append(item)
    return found, at + 1


def _read_content(message: bytes, at: int) -> tuple[bytes, int]:
    size, start = _read_number(message, at)
    if start + size > len(message):
        raise ValueError("the message breaks off")
    return message[start : start + size], start + size


def _read_number(message: bytes, at: int) -> tuple[int, int]:
    small = message[at] & 0x1F
    if small < _IN_ONE_BYTE:
        return small, at + 1
    size = 1 << small - _IN_ONE_BYTE
    return int.from_bytes(message[at + 1 : at + 1 + size]), at + 1 + size
