"""One account's client, which repeats its calls as a careful client does."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.chaos.record import Record

CALL_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 5.0
_PASSING = frozenset({429, 502, 503, 504})
_CONFLICT, _ACCEPTED, _ERRORS = 409, 202, 400


class Caller:
    """Calls with one key. What a fault explains is repeated, with the same Idempotency-Key, until it is answered.

    Args:
        base_url: the REST API.
        api_key: the key.
        account: whose it is.
        record: where answers are counted.
    """

    def __init__(self, base_url: str, api_key: str, account: str, record: Record) -> None:
        self.account = account
        self._record = record
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
            timeout=CALL_SECONDS,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Any:
        """Read something; None when it is not there."""
        return await self._until_answered("GET", path, b"", {})

    async def post(self, path: str, body: Any = None, key: str = "") -> Any:
        """Do something, once if a key is given; None when that is refused for good, as the record then says."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._until_answered("POST", path, b"" if body is None else json.dumps(body).encode(), headers)

    async def _until_answered(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = await self._answer(method, path, body, headers)
            if answer is not None and not _passes(answer):
                return self._content(method, path, answer)
            asked = answer.headers.get("retry-after", "") if answer is not None else ""
            await asyncio.sleep(min(float(asked), LONGEST_PAUSE_SECONDS) if asked.isdecimal() else pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx2.Response | None:
        try:
            answer = await self._http.request(method, path, content=body, headers=headers)
        except httpx2.TransportError:
            self._record.answers["no answer"] += 1
            return None
        self._record.answers[str(answer.status_code)] += 1
        return answer

    def _content(self, method: str, path: str, answer: httpx2.Response) -> Any:
        if answer.status_code < _ERRORS:
            return answer.json()
        if answer.status_code != _CONFLICT:
            self._record.refused.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None


def _passes(answer: httpx2.Response) -> bool:
    # With Retry-After, 202 is a single render that is not ready, and 409 a call with the same key that is under way.
    return answer.status_code in _PASSING or (
        answer.status_code in {_ACCEPTED, _CONFLICT} and "retry-after" in answer.headers
    )
