"""Fetching a file: streamed, checked, and visible under its name only when it is whole."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2

from pressline_client.errors import DownloadError

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.5
_SERVER_ERRORS = 500


@dataclass(frozen=True)
class Downloaded:
    """A file on disk: its size in bytes and the SHA-256 of its bytes in hexadecimal."""

    path: Path
    size: int
    sha256: str


def download(http: httpx2.Client, url: str, path: Path, sha256: str | None) -> Downloaded:
    """Fetch `url` to `path`, replacing what is there; see `Client.download`."""
    for attempt in range(1, ATTEMPTS + 1):
        partial = path.with_name(f".{uuid4().hex}.part")
        try:
            result = _stream(http, url, partial, path, sha256)
        except (httpx2.HTTPError, _DamagedError) as error:
            if attempt == ATTEMPTS or _hopeless(error):
                raise DownloadError(f"{path.name} could not be downloaded: {error}") from error
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        else:
            return result
        finally:
            partial.unlink(missing_ok=True)
    raise AssertionError("unreachable")


class _DamagedError(Exception):
    pass


def _stream(http: httpx2.Client, url: str, partial: Path, path: Path, wanted: str | None) -> Downloaded:
    digest, size = hashlib.sha256(), 0
    with http.stream("GET", url) as response, partial.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_bytes(1 << 16):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    if wanted and digest.hexdigest() != wanted:
        raise _DamagedError(f"its SHA-256 is {digest.hexdigest()}, not {wanted}")
    os.replace(partial, path)  # noqa: PTH105 - says what it does
    return Downloaded(path, size, digest.hexdigest())


def _hopeless(error: Exception) -> bool:
    return isinstance(error, httpx2.HTTPStatusError) and error.response.status_code < _SERVER_ERRORS
