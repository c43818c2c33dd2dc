"""One HTTP call with its timeouts and its bounded retries."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx2

from pressline_client.errors import ApiError, ConnectionFailedError, from_response

TIMEOUT = httpx2.Timeout(60, connect=5, pool=10)
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 65  # the rate limit's window is a minute
WORTH_RETRYING = frozenset({429, 502, 503, 504})
_CONFLICT = 409
_ERRORS = 400


class Transport:
    """Sends JSON to the service and reads JSON back. Safe to share between threads."""

    def __init__(self, base_url: str, api_key: str) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ConnectionFailedError(f"{base_url!r} is not an http or https address.")
        self._http = httpx2.Client(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
            timeout=TIMEOUT,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read something. Query parameters that are None are left out."""
        known = {name: value for name, value in (params or {}).items() if value is not None}
        return self._call(self._http.build_request("GET", path, params=known))

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create something, once: repeats of this call carry the same Idempotency-Key."""
        headers = {"Idempotency-Key": uuid4().hex}
        return self._call(self._http.build_request("POST", path, json=body, headers=headers))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something that is harmless to repeat."""
        return self._call(self._http.build_request("POST", path, json=body))

    def upload(self, path: str, data: bytes, params: Mapping[str, Any]) -> Any:
        """Send a file; harmless to repeat. Query parameters that are None are left out."""
        known = {name: value for name, value in params.items() if value is not None}
        headers = {"Content-Type": "application/octet-stream"}
        return self._call(self._http.build_request("POST", path, params=known, content=data, headers=headers))

    def read(self, path: str) -> bytes:
        """Read a file whole."""
        return self._answer(self._http.build_request("GET", path)).content

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Replace something; repeating that replaces it by the same."""
        return self._call(self._http.build_request("PUT", path, json=body))

    def delete(self, path: str) -> None:
        """Delete something."""
        self._answer(self._http.build_request("DELETE", path))

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of an answer that goes on. They end when the connection does, for whatever reason."""
        with closing(self._answer(self._http.build_request("GET", path, headers=headers), stream=True)) as response:
            try:
                yield from response.iter_lines()
            except httpx2.TransportError:
                return

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(self, request: httpx2.Request) -> Any:
        return _content(self._answer(request))

    def _answer(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._http.send(request, stream=stream)
            except httpx2.TransportError as error:
                if last:
                    raise ConnectionFailedError(f"{request.url} does not answer: {error}") from error
                time.sleep(_pause(attempt, None))
                continue
            if response.status_code < _ERRORS:
                return response
            response.read()
            if last or not _passes_by_itself(response):
                raise _error(response)
            time.sleep(_pause(attempt, response.headers.get("retry-after")))
        raise AssertionError("unreachable")


def _content(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ConnectionFailedError(f"{response.url} answers, but not as a Pressline service does.") from error


def _passes_by_itself(response: httpx2.Response) -> bool:
    # A conflict that names a time is the same creating call, still running.
    still_running = response.status_code == _CONFLICT and "retry-after" in response.headers
    return response.status_code in WORTH_RETRYING or still_running


def _error(response: httpx2.Response) -> ApiError:
    return from_response(response.status_code, response.content, response.headers)


def _pause(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait: what the service asks for, else doubling with jitter so that callers do not come back as one."""
    try:
        wanted = float(retry_after or "")
    except ValueError:
        wanted = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
    return min(max(wanted, 0), LONGEST_PAUSE_SECONDS)
