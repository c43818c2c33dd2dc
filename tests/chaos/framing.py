"""Requests of protocols, told apart so that some of them can be refused as their server would refuse them."""

from __future__ import annotations

import re
import struct
from asyncio import StreamReader
from typing import Protocol

import bson

READ_BYTES = 65_536
# MongoDB: length, request id, id of the request answered, kind of message; then flags, the kind of section, a document.
_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
_BODY = _HEADER.size + 5
_MORE_TO_COME = 2
_WRITES = frozenset({"insert", "update", "delete", "findAndModify", "bulkWrite", "create", "createIndexes", "drop"})
_NOT_PRIMARY = {
    "ok": 0.0,
    "errmsg": "not primary",
    "code": 10107,
    "codeName": "NotWritablePrimary",
    "errorLabels": ["RetryableWriteError"],
}
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_FULL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>XMinioStorageFull</Code><Message>Storage backend has reached its minimum free drive threshold.</Message>\
<Resource>/</Resource><RequestId>0</RequestId></Error>"""


class Framing(Protocol):
    """How a client's bytes become requests."""

    async def request(self, reader: StreamReader) -> bytes:
        """The next request, whole; empty at the end.

        Raises:
            asyncio.IncompleteReadError: the client has gone in the middle of one, or between two.
        """

    def refusal(self, request: bytes, /) -> bytes | None:
        """The answer of a server that takes no writes; None to what it does all the same."""


class Plain:
    """Bytes as they come, none of which is refused."""

    async def request(self, reader: StreamReader) -> bytes:
        """What has come."""
        return await reader.read(READ_BYTES)

    def refusal(self, _request: bytes, /) -> bytes | None:
        """Nothing is refused."""
        return None


class MongoDb:
    """MongoDB's messages, refused as a member of a replica set refuses writes while there is no primary."""

    async def request(self, reader: StreamReader) -> bytes:
        """The next message."""
        header = await reader.readexactly(_HEADER.size)
        length = _HEADER.unpack(header)[0]
        return header + await reader.readexactly(length - _HEADER.size)

    def refusal(self, request: bytes) -> bytes | None:
        """`NotWritablePrimary`, for commands that write."""
        _, number, _, kind = _HEADER.unpack_from(request)
        if kind != _OP_MSG or _command(request) not in _WRITES or request[_HEADER.size] & _MORE_TO_COME:
            return None
        answer = bytes(5) + bson.encode(_NOT_PRIMARY)
        return _HEADER.pack(_HEADER.size + len(answer), number + 1, number, _OP_MSG) + answer


class S3:
    """HTTP requests, refused as a full object store refuses what it would have to keep."""

    async def request(self, reader: StreamReader) -> bytes:
        """The next request with its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return head + (await reader.readexactly(int(length[1])) if length else b"")

    def refusal(self, request: bytes) -> bytes | None:
        """507 for what writes; deleting makes room."""
        method, target, _ = request.split(b" ", 2)
        if method not in {b"PUT", b"POST"} or b"?delete" in target:
            return None
        fields = f"Content-Type: application/xml\r\nContent-Length: {len(_FULL)}\r\n\r\n"
        return b"HTTP/1.1 507 Insufficient Storage\r\n" + fields.encode() + _FULL


def _command(message: bytes) -> str:
    # The name of a document's first value: after the document's length and the value's type, up to a zero byte.
    name = _BODY + 5
    return message[name : message.index(0, name)].decode()
