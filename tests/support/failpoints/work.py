"""Work that a caller hands in while processes die, and what must have become of it: each kind checks its own end."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import time
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import httpx2

from pressline_client import verify_webhook
from services.common import ids
from services.scheduler.store import idempotency
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document
from services.scheduler.store.fixed import APART_BYTES
from tests.support.batches import CARD, SIZE, rows
from tests.support.failpoints.remains import orphans
from tests.support.failpoints.surroundings import ACCOUNT, LOOK_SECONDS, Surroundings
from tests.support.outcomes import batch_of

# From handing it in to its right end, whatever is killed meanwhile.
WORK_SECONDS = 600
SUBMIT = "/v1/batches"
SLOW_CARD = f"{CARD}<script>pressline.ready(new Promise(done => setTimeout(done, 1000)))</script>"


class Work:
    """A batch of cards with a webhook, handed in under an idempotency key until it is accepted.

    Attributes:
        batch_id: once it is accepted.
        items_right: when its items had ended as they must (monotonic seconds).
        all_right: when everything was as it must be.
        failure: what was not.
    """

    count: ClassVar[int] = 2
    html: ClassVar[str] = CARD
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.key = secrets.token_hex(8)
        self.batch_id = ""
        self.items_right = self.all_right = float("inf")
        self.failure: str | None = None
        self._seen: dict[str, Any] = {}

    async def run(self) -> None:
        """Hand it in and follow it to its end; what goes wrong is kept as `failure`."""
        try:
            async with asyncio.timeout(WORK_SECONDS):
                await self.do()
            self.all_right = time.monotonic()
        except Exception as error:
            self.failure = f"{type(self).__name__} {self.batch_id}: {error!r}"

    async def do(self) -> None:
        """Everything from the submit to the webhook."""
        await self.submit()
        await self.end()
        await self.announced()

    async def submit(self) -> None:
        """Hand the batch in, again and again under one key until it is accepted."""
        answer = await self.around.asked("POST", SUBMIT, again=(409, 429), **self.request())
        assert answer.status_code == 202, answer.text
        self.batch_id = answer.json()["id"]

    def request(self) -> dict[str, Any]:
        """The submitting call."""
        defaults = {"html": self.html, "output": SIZE}
        first, *others = rows(self.count)
        first["data"]["notes"] = "-" * (APART_BYTES + 1)
        body = {"items": [first, *others], "defaults": defaults, "webhook_url": self.around.receiver.url}
        return {"headers": {"Idempotency-Key": self.key}, "json": body | self.options}

    async def end(self) -> None:
        """Wait until the batch has ended, and check its items."""
        batch = await self.ended()
        assert (batch["status"], batch["completed"]) == ("completed", self.count), await self.errors()
        await self.check_items()

    async def ended(self) -> dict[str, Any]:
        """The batch once all its items have."""
        while True:
            answer = await self.around.asked("GET", f"{SUBMIT}/{self.batch_id}")
            assert answer.status_code == 200, answer.text
            batch: dict[str, Any] = answer.json()
            if batch["completed"] + batch["failed"] + batch["cancelled"] == batch["total"] and batch["finished_at"]:
                return batch
            await asyncio.sleep(LOOK_SECONDS)

    async def errors(self) -> list[Any]:
        """Why items have failed."""
        answer = await self.around.asked("GET", f"{SUBMIT}/{self.batch_id}/items", params={"limit": 100})
        return [(item["status"], item["attempts"], item["crashes"], item["error"]) for item in answer.json()["data"]]

    async def check_items(self) -> None:
        """Each has ended once and has the file that its record tells of, if it has one."""
        answer = await self.around.asked("GET", f"{SUBMIT}/{self.batch_id}/items", params={"limit": 100})
        items = answer.json()["data"]
        assert [item["index"] for item in items] == list(range(self.count)), items
        succeeded = [item for item in items if item["status"] == "succeeded"]
        assert len({item["sha256"] for item in succeeded}) == len(succeeded)
        for item in succeeded:
            await self.around.check_file(item["url"], item["sha256"])
        self._seen = await self.records()
        self.items_right = time.monotonic()

    async def records(self) -> dict[str, Any]:
        """What may not change any more, by item."""
        found: list[Document] = (
            await self.around.database.collection("items").find({"batch_id": self.batch_id}).to_list()
        )
        fields = ("state", "attempt", "ended_ms", "outputs")
        return {item["_id"]: [item.get(field) for field in fields] for item in found}

    async def announced(self) -> None:
        """Wait for the webhook and check it."""
        await until(lambda: bool(self.webhooks()))
        self.check_webhooks()

    def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        """Those of this batch that have come so far."""
        return [one for one in list(self.around.receiver.received) if batch_of(json.loads(one[1])) == self.batch_id]

    def check_webhooks(self) -> None:
        """All have the same id and tell the same, rightly signed."""
        assert len({(headers["webhook-id"], body) for headers, body in self.webhooks()}) == 1
        for headers, body in self.webhooks():
            verify_webhook(headers, body, self.around.webhook_secret)

    async def still_right(self) -> str | None:
        """What has changed since it was found to be right, although nothing may; checked when all is over."""
        if self.failure is not None:
            return self.failure
        if self._seen != await self.records():
            return f"{self.batch_id}: an item has ended again"
        try:
            self.check_webhooks()
        except AssertionError as error:
            return f"{self.batch_id}: {error!r}"
        return None


class Cancelled(Work):
    """A batch that is cancelled when it has hardly begun, however long its acceptance takes."""

    count = 30
    html = SLOW_CARD
    options: ClassVar[dict[str, Any]] = {"concurrency": 1}

    async def end(self) -> None:
        """Cancel it; its items are cancelled, but for those that were done by then."""
        answer = await self.around.asked("POST", f"{SUBMIT}/{self.batch_id}:cancel")
        assert answer.json().get("status") == "cancelled", answer.text
        batch = await self.ended()
        assert (batch["status"], batch["failed"], batch["total"]) == ("cancelled", 0, self.count), batch
        await self.check_items()


class Removed(Work):
    """A batch that its owner deletes when it is done."""

    async def do(self) -> None:
        """Everything from the submit to the last trace. The webhook comes all the same."""
        await self.submit()
        await self.end()
        answer = await self.around.asked("DELETE", f"{SUBMIT}/{self.batch_id}")
        assert answer.status_code in {204, 404, 410}, answer.text
        assert (await self.around.asked("GET", f"{SUBMIT}/{self.batch_id}")).status_code == 410
        await self.announced()
        await until_async(self.gone)
        assert not await self.around.blobs.delete_some(f"{ACCOUNT}/{self.batch_id}/"), "objects are left"
        self._seen = {}

    async def gone(self) -> bool:
        """Whether nothing is left of it but that it was there."""
        tombstone = await self.around.database.collection("tombstones").find_one({"_id": self.batch_id})
        return tombstone is not None and not await orphans(self.around.database, self.batch_id)


class Archived(Work):
    """A batch whose results are put into one file."""

    async def do(self) -> None:
        """Everything from the submit to the archive."""
        await self.submit()
        await self.end()
        answer = await self.around.asked("POST", f"{SUBMIT}/{self.batch_id}:archive")
        while answer.json()["status"] != "completed":
            assert answer.json()["status"] != "failed", answer.text
            await asyncio.sleep(LOOK_SECONDS)
            answer = await self.around.asked("GET", f"/v1/archives/{ids.archive_id(self.batch_id, 'zip')}")
        data = await self.around.check_file(answer.json()["url"], answer.json()["sha256"])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == self.count + 1
        await self.announced()


class Dropped(Work):
    """A batch that is handed in once, by a caller who does not ask again: it is accepted whole or nothing is left."""

    async def do(self) -> None:
        """Until it has ended, or until the creation that broke off is cleared away."""
        if await self.is_accepted():
            await self.end()
            await self.announced()
        else:
            await until_async(self.gone)

    async def is_accepted(self) -> bool:
        """Hand it in, once."""
        try:
            answer = await self.around.http.request("POST", SUBMIT, **self.request())
        except httpx2.TransportError:
            return False
        if answer.status_code == 202:
            self.batch_id = answer.json()["id"]
        return bool(self.batch_id)

    async def made_id(self) -> str:
        """The id that it would have."""
        record_id = idempotency.record_id(ACCOUNT, f"POST {SUBMIT}", self.key)
        record = await self.around.database.collection("idempotency").find_one({"_id": record_id})
        return str(record["made_id"]) if record else ""

    async def is_half_stored(self) -> bool:
        """Whether its creation has begun and is not committed."""
        made_id = await self.made_id()
        return made_id in {batch["_id"] for batch in await Batches(self.around.database).creating()}

    async def run_out(self) -> None:
        """Let the lease of its creation be over."""
        creation = {"_id": await self.made_id(), "creating": {"$exists": True}}
        await self.around.database.collection("batches").update_one(creation, {"$set": {"lease_ms": 0}})

    async def gone(self) -> bool:
        """Whether nothing is left of it."""
        return not await orphans(self.around.database, await self.made_id())

    async def still_right(self) -> str | None:
        """What has changed; nothing may have come back."""
        if self.failure or self.batch_id:
            return await super().still_right()
        return None if await self.gone() else f"{await self.made_id()}: it is there again"


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(LOOK_SECONDS)


async def until_async(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        await asyncio.sleep(LOOK_SECONDS)
