"""Reading an answer's body, of which neither the packed nor the unpacked form may be too large."""

from __future__ import annotations

import zlib

import aiohttp

from services.renderer.egress.resource import NotLoadedError

_CHUNK_BYTES = 64 * 1024
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


async def read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The whole body, unpacked.

    Raises:
        NotLoadedError: it is larger than `max_bytes`, damaged, or packed in a way that was not asked for.
        aiohttp.ClientError: it ends early.
    """
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""))
    parts: list[bytes] = []
    left = max_bytes
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        # One byte more than allowed tells that there are too many; the rest is never unpacked.
        part = chunk if unpacker is None else _unpacked(unpacker, chunk, left + 1)
        left -= len(part)
        if left < 0:
            raise _too_large(max_bytes)
        parts.append(part)
    if unpacker is not None and not unpacker.eof:
        raise NotLoadedError("the server's answer ended early")
    return b"".join(parts)


def _unpacker(encoding: str) -> zlib._Decompress | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(_GZIP_OR_ZLIB)
    raise NotLoadedError("the server packed its answer in a way that was not asked for")


def _unpacked(unpacker: zlib._Decompress, chunk: bytes, at_most: int) -> bytes:
    try:
        return unpacker.decompress(chunk, at_most)
    except zlib.error as error:
        raise NotLoadedError("the server's answer is damaged") from error


def _too_large(max_bytes: int) -> NotLoadedError:
    return NotLoadedError(f"it is larger than {max_bytes:,} bytes")
