"""Work for the system: batches and single renders in all three APIs, some of them cancelled."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos import apis
from tests.chaos.apis import Api
from tests.chaos.callers import Caller
from tests.chaos.hooks import Hooks
from tests.chaos.record import Record, Submission

SIZES = (1, 2, 3, 5, 8, 12, 20, 40)
WITH_WEBHOOK, CANCELLED, SINGLE = 0.8, 0.12, 0.25
LONGEST_BEFORE_CANCEL_SECONDS = 3.0
PAUSE_SECONDS = 0.2
# Enough for 3,000 items in ten minutes, and few enough for a small machine that is restarted all the time.
ITEMS_A_SECOND = 8.0
AHEAD_ITEMS = 60
OPEN_ITEMS = 160


@dataclass(frozen=True)
class _Client:
    caller: Caller
    api: Api
    template: str
    chance: random.Random


class Load:
    """Submits until it is stopped.

    Args:
        callers: one for each account.
        record: where it notes what was acknowledged.
        hooks: the receiver of webhooks.
        open_items: how many items are neither ended nor unknown to the database.
    """

    def __init__(self, callers: Sequence[Caller], record: Record, hooks: Hooks, open_items: Callable[[], int]) -> None:
        self._callers = callers
        self._record = record
        self._hooks = hooks
        self._open_items = open_items
        self._submitted = 0
        self._began = time.monotonic()

    async def run(self, stop: asyncio.Event, seed: int) -> None:
        """Submit as several clients at once; what is under way when it stops is repeated until it is answered."""
        async with asyncio.TaskGroup() as clients:
            for number, caller in enumerate(self._callers):
                for api in apis.ALL:
                    template = await apis.template(caller) if api is apis.PICTIFY else ""
                    chance = random.Random(f"{seed} {number} {api.batch_id}")
                    clients.create_task(self._client(_Client(caller, api, template, chance), stop))

    async def _client(self, client: _Client, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as cancelling:
            while not stop.is_set():
                if self._is_ahead():
                    await asyncio.sleep(PAUSE_SECONDS)
                elif client.api.render and client.chance.random() < SINGLE:
                    await self._single(client)
                else:
                    await self._batch(client, cancelling)

    async def _batch(self, client: _Client, cancelling: asyncio.TaskGroup) -> None:
        chance, count = client.chance, client.chance.choice(SIZES)
        self._submitted += count
        hook = secrets.token_hex(8) if chance.random() < WITH_WEBHOOK else ""
        path, body = client.api.batch(count, client.template)
        if hook:
            body[client.api.webhook] = self._hooks.address(hook)
        answer = await client.caller.post(path, body, key=secrets.token_hex(12))
        if answer is not None:
            submission = Submission(client.caller.account, answer[client.api.batch_id], count, hook)
            self._record.submissions.append(submission)
            if chance.random() < CANCELLED:
                after = chance.random() * LONGEST_BEFORE_CANCEL_SECONDS
                cancelling.create_task(_cancel(client.caller, submission, after))
            await asyncio.sleep(chance.random())

    async def _single(self, client: _Client) -> None:
        self._submitted += 1
        assert client.api.render is not None
        path, body = client.api.render(client.chance.randrange(1_000), client.template)
        answer = await client.caller.post(path, body, key=secrets.token_hex(12))
        if answer is not None:
            self._record.submissions.append(Submission(client.caller.account, "", 1, url=answer.get("url") or ""))

    def _is_ahead(self) -> bool:
        due = (time.monotonic() - self._began) * ITEMS_A_SECOND + AHEAD_ITEMS
        return self._submitted > due or self._open_items() > OPEN_ITEMS


async def _cancel(caller: Caller, submission: Submission, after: float) -> None:
    await asyncio.sleep(after)
    answer = await caller.post(f"/v1/batches/{submission.batch_id}:cancel")
    submission.cancelled = answer is not None
