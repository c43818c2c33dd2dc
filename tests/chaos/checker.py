"""Holds what became of everything against what was acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.chaos.callers import Caller
from tests.chaos.hooks import Hooks
from tests.chaos.record import Record, Submission

ENDED = frozenset({"succeeded", "failed", "cancelled"})
DOWNLOAD_SECONDS = 60.0
AT_ONCE = 4
_OK = 200


@dataclass
class Findings:
    """What is wrong, by what it is that must not be, each with an explanation; and how items ended.

    Attributes:
        wrong: sentences by kind.
        outcomes: items by state, failed ones by the code of their error.
        attempts: items by the number of attempts that they took.
    """

    wrong: dict[str, list[str]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)

    def add(self, kind: str, sentence: str) -> None:
        """One more that must not be."""
        self.wrong.setdefault(kind, []).append(sentence)


class Checker:
    """Reads everything through the API, as its owner would.

    Args:
        callers: by account.
        record: what was acknowledged.
        hooks: what the receiver of webhooks got.
    """

    def __init__(self, callers: Mapping[str, Caller], record: Record, hooks: Hooks) -> None:
        self._callers = callers
        self._record = record
        self._hooks = hooks
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def check(self, findings: Findings) -> None:
        """Read every batch, every item and every file."""
        async with httpx2.AsyncClient(timeout=DOWNLOAD_SECONDS, trust_env=False) as files:
            await asyncio.gather(*(self._submission(each, findings, files) for each in self._record.submissions))

    async def _submission(self, submission: Submission, findings: Findings, files: httpx2.AsyncClient) -> None:
        async with self._turns:
            if submission.batch_id:
                await self._batch(submission, findings, files)
            else:
                await self._single(submission, findings, files)

    async def _single(self, submission: Submission, findings: Findings, files: httpx2.AsyncClient) -> None:
        findings.outcomes["succeeded" if submission.url else "failed (single render)"] += 1
        if submission.url and (await files.get(submission.url)).status_code != _OK:
            findings.add("objects missing", f"a single render: {submission.url}")

    async def _batch(self, submission: Submission, findings: Findings, files: httpx2.AsyncClient) -> None:
        caller, name = self._callers[submission.account], submission.batch_id
        batch = await caller.get(f"/v1/batches/{name}")
        items = await _items(caller, name)
        findings.outcomes.update(map(_outcome, items))
        findings.attempts.update(item["attempts"] for item in items)
        for kind, sentence in _contradictions(submission, batch or {}, items):
            findings.add(kind, f"{name}: {sentence}")
        ids = self._hooks.received[submission.hook]
        if submission.hook and len(ids) != 1:
            findings.add("webhook ids not 1", f"{name}: {dict(ids)}")
        for item in items:
            if item["status"] == "succeeded" and not await _is_there(files, item):
                findings.add("objects missing", f"{name}: item {item['index']}")


def _contradictions(
    submission: Submission, batch: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    ended = {item["index"] for item in items if item["status"] in ENDED}
    for index in sorted(set(range(submission.count)) - ended):
        yield "items lost", f"item {index} has not ended"
    states = Counter(item["status"] for item in items)
    told = tuple(batch.get(part) for part in ("total", "completed", "failed", "cancelled"))
    if told != (submission.count, *(states[state] for state in ("succeeded", "failed", "cancelled"))):
        yield "wrong counts", f"it says {told}, its items are {dict(states)}"
    # A cancelled batch is that even if all of its items had been rendered by then.
    expected = "cancelled" if submission.cancelled else _status(states)
    if batch and batch["status"] != expected:
        yield "wrong counts", f"it is {batch['status']}, and should be {expected}"


async def _items(caller: Caller, batch_id: str) -> list[dict[str, Any]]:
    page = await caller.get(f"/v1/batches/{batch_id}/items?limit=100")
    return [] if page is None else list(page["data"])


async def _is_there(files: httpx2.AsyncClient, item: dict[str, Any]) -> bool:
    answer = await files.get(item["url"])
    return answer.status_code == _OK and hashlib.sha256(answer.content).hexdigest() == item["sha256"]


def _outcome(item: dict[str, Any]) -> str:
    return f"failed: {item['error']['code']}" if item["status"] == "failed" else str(item["status"])


def _status(states: Counter[str]) -> str:
    if states["failed"]:
        return "partial" if states["succeeded"] else "failed"
    return "completed"
