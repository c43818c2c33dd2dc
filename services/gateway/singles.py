"""Single renders: submitted like a batch of one, and waited for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from pressline.batch.v1 import batch_pb2
from services.common import lifecycle
from services.common.errors import PresslineError, Reason
from services.gateway.openapi.headers import refer
from services.gateway.responses import REPLAYED_HEADER
from services.gateway.routing import create_batch
from services.gateway.scheduler import Scheduler
from services.gateway.translate.paths import Renames

# One call of a longer wait: a scheduler that stops lets calls of this length end.
SLICE_SECONDS = 8.0
# What the answer itself may take.
ANSWER_SECONDS = 3.0
RETRY_SECONDS = 0.5
_ENDED = {batch_pb2.ITEM_STATE_SUCCEEDED, batch_pb2.ITEM_STATE_FAILED, batch_pb2.ITEM_STATE_CANCELLED}


def not_ready(answer: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The answer to a wait that was too short, as the API is described."""
    headers = refer(("Location", "Retry-After"))
    return {202: {"description": "Not ready yet; Location tells where to ask.", "model": answer, "headers": headers}}


@dataclass(frozen=True)
class Single:
    """A single render as it is when its caller is answered."""

    item: batch_pb2.Item
    replayed: bool

    @property
    def ended(self) -> bool:
        """Whether there is a result, good or bad."""
        return self.item.state in _ENDED

    @property
    def status_code(self) -> int:
        """200 with a result, 202 while there is none."""
        return 200 if self.ended else 202

    def marked(self, answer: Response, poll: str) -> Response:
        """The answer with headers that tell whether it is a repeat, and where a result that is to come will be."""
        if not self.ended:
            answer.headers.update({"Location": poll, "Retry-After": "1"})
        if self.replayed:
            answer.headers[REPLAYED_HEADER] = "true"
        return answer


async def render(
    request: Request, scheduler: Scheduler, spec: batch_pb2.BatchSpec, item: batch_pb2.ItemSpec, renames: Renames
) -> Single:
    """Submit one item and wait for its end, within the time limit.

    Raises:
        PresslineError: the render is refused; fields at fault are named by `renames`, as in the request.
    """
    spec.single = True
    created = await create_batch(request, scheduler, spec, [item], renames)
    accepted = batch_pb2.Item(
        id=created.item_ids[0],
        batch_id=created.batch.id,
        state=batch_pb2.ITEM_STATE_PENDING,
        format=(item.output if item.HasField("output") else spec.output).format,
        inline_data=item.inline_data,
        warnings=item.warnings,
        create_time=created.batch.create_time,
    )
    state = request.app.state
    return Single(await _until_ended(scheduler, accepted, state.render_wait_seconds, state.stop), created.replayed)


async def _until_ended(
    scheduler: Scheduler, item: batch_pb2.Item, seconds: float, stop: asyncio.Event
) -> batch_pb2.Item:
    end = time.monotonic() + seconds
    while item.state not in _ENDED and (left := end - time.monotonic()) > 0 and not stop.is_set():
        request = batch_pb2.WaitItemRequest(item_id=item.id)
        seconds = min(left, SLICE_SECONDS)
        request.timeout.FromMilliseconds(int(seconds * 1000))
        waiting = scheduler.call(scheduler.stubs.batches.WaitItem, request, seconds + ANSWER_SECONDS)
        try:
            item = await lifecycle.unless_stopped(waiting, stop)
        except lifecycle.Stopped:
            break
        except PresslineError as error:
            # It is accepted and will be rendered: a scheduler that is away for a moment does not change that.
            if error.reason is not Reason.SERVICE_UNAVAILABLE:
                raise
            await lifecycle.wait(stop, RETRY_SECONDS)
    return item
