"""The renderers' side of an item: claim, extend, end, hand back. Fenced by attempt and token."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import structlog

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock, egress, environment, model
from services.scheduler.accepted import AcceptedBatches
from services.scheduler.finish import Finisher
from services.scheduler.pace import Pace
from services.scheduler.passwords import Locksmith
from services.scheduler.store.database import Document
from services.scheduler.store.items import Fence
from services.scheduler.stores import Stores

RENDERER_CRASHED = "RENDERER_CRASHED"
TRIED_TOO_OFTEN = "TRIED_TOO_OFTEN"
EXTENSIONS = {
    batch_pb2.FORMAT_PNG: "png",
    batch_pb2.FORMAT_JPEG: "jpg",
    batch_pb2.FORMAT_WEBP: "webp",
    batch_pb2.FORMAT_PDF: "pdf",
}
log = structlog.get_logger()


class Tasks:
    """What the task service does.

    Args:
        stores: the state.
        finisher: told when an item ends.
        pace: told when an item ends.
        locksmith: opens the passwords of encrypted PDFs for the renderers.
        lease_seconds: how long a claim lasts without an extension.
    """

    def __init__(
        self, stores: Stores, finisher: Finisher, pace: Pace, locksmith: Locksmith, lease_seconds: float
    ) -> None:
        self._stores = stores
        self._finisher = finisher
        self._pace = pace
        self._locksmith = locksmith
        self._lease_ms = int(lease_seconds * 1000)
        self._accepted = AcceptedBatches(stores.batches)

    async def claim(self, item_id: str, worker: str, token: str = "") -> task_pb2.ClaimTaskResponse:
        """Lease an item, or say why not. Repeating the call that leased it, by its token, is answered as it was."""
        lease = self._lease(worker, token)
        # Nearly every item is claimed once and can be: that is tried before anything is asked.
        claimed = await self._stores.items.claim(item_id, lease)
        if claimed is None:
            return await self._claim_otherwise(item_id, lease)
        failpoint(Failpoint.CLAIM_LEASED)
        batch = await self._accepted.get(claimed["batch_id"])
        # Open items of a batch that is gone are cancelled, or deleted, whatever lease they are under.
        return self._task(claimed, batch) if batch else _nothing("cancelled")

    async def extend(self, fence: Fence) -> int:
        """Prolong a lease; the new duration in milliseconds."""
        if not await self._stores.items.extend(fence, clock.now_ms() + self._lease_ms):
            raise _stale()
        return self._lease_ms

    async def end(
        self,
        fence: Fence,
        outputs: Sequence[task_pb2.StoredOutput],
        errors: Sequence[batch_pb2.ItemError],
        warnings: Sequence[str],
        duration_ms: int,
        screenshots: Sequence[task_pb2.Screenshot] = (),
        upload_ms: int = 0,
    ) -> None:
        """Record a result; with errors the item failed. Repeating the call that won succeeds."""
        state = model.FAILED if errors else model.SUCCEEDED
        result = {
            "outputs": [output.SerializeToString() for output in outputs],
            "errors": [error.SerializeToString() for error in errors],
            "duration_ms": duration_ms,
            "upload_ms": upload_ms,
            "ended_ms": clock.now_ms(),
        }
        if screenshots:
            result["screenshots"] = [screenshot.SerializeToString() for screenshot in screenshots]
        if warnings:
            result["warnings"] = [*await self._earlier_warnings(fence), *warnings]
        if await self._stores.items.end(fence, state, result):
            failpoint(Failpoint.COMPLETE_ITEM_ENDED)
            self._pace.ended()
            log.info("item.ended", item=fence.item_id, attempt=fence.attempt, state=state)
        elif not await self._won(fence, state):
            raise _stale()
        await self._finisher.item_ended(fence.item_id)

    async def hand_back(self, fence: Fence, reason: str, *, crashed: bool) -> None:
        """Return an item to the queue; one that crashed its browser too often fails instead."""
        item = await self._stores.items.hand_back(fence, clock.now_ms(), crashed=crashed)
        if item is None:
            raise _stale()
        log.warning("item.handed_back", item=fence.item_id, attempt=fence.attempt, reason=reason, crashed=crashed)
        if model.verdict_after_crash(item["crashes"]) == model.FAILED:
            await self._give_up(item, RENDERER_CRASHED, _crash_message(item["crashes"]))

    async def _claim_otherwise(self, item_id: str, lease: Document) -> task_pb2.ClaimTaskResponse:
        """Take over an item that is not there for the taking, or say what it is instead."""
        item = await self._stores.items.get(item_id)
        if item is None or item["state"] in model.ENDED_ITEM:
            return _nothing("ended" if item else "unknown")
        batch = await self._stores.batches.get(item["batch_id"])
        if batch is None or "cancel_requested_ms" in batch:
            return _nothing("cancelled")
        return await self._claim_again(item, batch, lease)

    async def _claim_again(self, item: Document, batch: Document, lease: Document) -> task_pb2.ClaimTaskResponse:
        now, rendering = clock.now_ms(), item["state"] == model.RENDERING
        if rendering and item["token"] == lease["token"]:
            return self._task(item, batch)  # The answer was lost; its renderer is not, and has claimed it once.
        if rendering and item["lease_ms"] >= now:
            return _elsewhere(item["lease_ms"] - now)
        # Whoever let its lease run out is lost. One more may be counted already, by a scheduler that went no further.
        crashes = item["crashes"] + rendering
        if model.verdict_after_crash(crashes) == model.FAILED:
            await self._give_up(item, RENDERER_CRASHED, _crash_message(crashes))
            return _nothing("crashed too often")
        if item["attempt"] >= model.MAX_ATTEMPTS:
            await self._give_up(item, TRIED_TOO_OFTEN, f"Tried {item['attempt']} times without a result.")
            return _nothing("tried too often")
        if not rendering:
            return _elsewhere(1_000)
        log.warning("item.taken_over", item=item["_id"], attempt=item["attempt"], lost_worker=item["worker"])
        taken = await self._stores.items.take_over(item, now, lease)
        failpoint(Failpoint.CLAIM_TAKEN_OVER)
        return self._task(taken, batch) if taken else _elsewhere(1_000)

    async def _give_up(self, item: Document, code: str, message: str) -> None:
        error = batch_pb2.ItemError(code=code, message=message)
        result = {"outputs": [], "errors": [error.SerializeToString()], "ended_ms": clock.now_ms()}
        if await self._stores.items.fail_unclaimed(item, result):
            await self._finisher.item_ended(item["_id"])

    async def _earlier_warnings(self, fence: Fence) -> list[str]:
        item = await self._stores.items.get(fence.item_id)
        return [] if item is None else list(item["warnings"])

    async def _won(self, fence: Fence, state: str) -> bool:
        item = await self._stores.items.get(fence.item_id)
        return item is not None and (item["attempt"], item.get("token"), item["state"]) == (
            fence.attempt,
            fence.token,
            state,
        )

    def _lease(self, worker: str, token: str) -> Document:
        now = clock.now_ms()
        return {
            "token": token or secrets.token_urlsafe(16),
            "worker": worker,
            "claimed_ms": now,
            "lease_ms": now + self._lease_ms,
        }

    def _task(self, item: Document, batch: Document) -> task_pb2.ClaimTaskResponse:
        task = task_pb2.Task(
            lease=task_pb2.Lease(item_id=item["_id"], attempt=item["attempt"], token=item["token"]),
            batch_id=item["batch_id"],
            account_id=item["account_id"],
            renders=[_render(stored, item) for stored in item["renders"]],
            data_json=item["data"] or b"{}",
            environment=environment.of(batch),
            batch_create_time=clock.timestamp(batch["created_ms"]),
            asset_set_id=batch.get("asset_set_id", ""),
            egress=egress.of(batch),
            alone=item["crashes"] > 0,
        )
        self._locksmith.open(batch, (render.output for render in task.renders))
        task.lease_duration.FromMilliseconds(self._lease_ms)
        return task_pb2.ClaimTaskResponse(task=task)


def _render(stored: bytes, item: Document) -> task_pb2.Render:
    render = task_pb2.Render.FromString(stored)
    name = f"{item['attempt']}-{render.layout}" if render.layout else str(item["attempt"])
    extension = EXTENSIONS[render.output.format]
    path = f"{item['account_id']}/{item['batch_id']}/{item['_id']}/{name}"
    render.object_key = f"{path}.{extension}"
    # No layout's name has a dot.
    render.screenshot_key = f"{path}.failed.jpg"
    return render


def _nothing(reason: str) -> task_pb2.ClaimTaskResponse:
    return task_pb2.ClaimTaskResponse(nothing_to_do=task_pb2.NothingToDo(reason=reason))


def _elsewhere(remaining_ms: int) -> task_pb2.ClaimTaskResponse:
    response = task_pb2.ClaimTaskResponse()
    response.leased_elsewhere.remaining.FromMilliseconds(remaining_ms)
    return response


def _stale() -> PresslineError:
    return PresslineError(Reason.STALE_ATTEMPT, "The lease is not the current one: discard the work.")


def _crash_message(crashes: int) -> str:
    return f"The browser or its renderer ended {crashes} times while rendering this item."
