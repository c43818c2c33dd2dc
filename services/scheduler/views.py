"""Stored documents as callers see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.errors import Violation, invalid
from services.scheduler import clock, environment, model
from services.scheduler.backlog import QueuePlace
from services.scheduler.model import Counts
from services.scheduler.store.database import Document

SignUrl = Callable[[str, int, int, str], str]

_BATCH_STATES = {
    model.CREATING: batch_pb2.BATCH_STATE_PENDING,
    model.PENDING: batch_pb2.BATCH_STATE_PENDING,
    model.PROCESSING: batch_pb2.BATCH_STATE_PROCESSING,
    model.COMPLETED: batch_pb2.BATCH_STATE_COMPLETED,
    model.PARTIAL: batch_pb2.BATCH_STATE_PARTIAL,
    model.FAILED: batch_pb2.BATCH_STATE_FAILED,
    model.CANCELLED: batch_pb2.BATCH_STATE_CANCELLED,
}
# Of two stored states with one name, a filter means the visible one.
_STORED_BATCH_STATES: dict[int, str] = {value: name for name, value in _BATCH_STATES.items()}
_ITEM_STATES = {
    model.PENDING: batch_pb2.ITEM_STATE_PENDING,
    model.DISPATCHED: batch_pb2.ITEM_STATE_DISPATCHED,
    model.RENDERING: batch_pb2.ITEM_STATE_RENDERING,
    model.SUCCEEDED: batch_pb2.ITEM_STATE_SUCCEEDED,
    model.FAILED: batch_pb2.ITEM_STATE_FAILED,
    model.CANCELLED: batch_pb2.ITEM_STATE_CANCELLED,
}
_STORED_ITEM_STATES: dict[int, str] = {value: name for name, value in _ITEM_STATES.items()}


def unsigned(_object_key: str, _created_ms: int, _expires_ms: int, _filename: str) -> str:
    """No address, for answers that leave it out: signing is most of the work of a long page."""
    return ""


def batch_states(states: Iterable[batch_pb2.BatchState.ValueType]) -> list[str]:
    """The stored names of states in a filter.

    Raises:
        PresslineError: VALIDATION_ERROR for a value that is none.
    """
    return _names(states, _STORED_BATCH_STATES)


def item_states(states: Iterable[batch_pb2.ItemState.ValueType]) -> list[str]:
    """The same for items."""
    return _names(states, _STORED_ITEM_STATES)


def item_state_value(state: str) -> batch_pb2.ItemState.ValueType:
    """The contract's value of a stored state."""
    return _ITEM_STATES[state]


def batch(document: Document, counts: Counts) -> batch_pb2.Batch:
    """A batch; of a cancelled one that is still settling, every open item counts as cancelled already."""
    cancelling = "cancel_requested_ms" in document
    cancelled = counts.total - counts.succeeded - counts.failed if cancelling else counts.cancelled
    result = batch_pb2.Batch(
        id=document["_id"],
        state=_BATCH_STATES[model.shown_state(document["state"], cancel_requested=cancelling)],
        counts=batch_pb2.ItemCounts(
            total=counts.total, succeeded=counts.succeeded, failed=counts.failed, cancelled=cancelled
        ),
        dialect=document["dialect"],
        create_time=clock.timestamp(document["created_ms"]),
        expire_time=clock.timestamp(document["expires_ms"]),
        template_id=document["template_id"],
        template_version=document["template_version"],
        webhook_url=document["webhook_url"],
        metadata_json=document["metadata"],
        revision=model.revision(
            counts,
            started="started_ms" in document,
            cancel_requested=cancelling,
            over=document["state"] in model.ENDED_BATCH,
        ),
        layouts=document["layouts"],
        layout_list=document["layout_list"],
        environment=environment.of(document),
        retry_of=document.get("retry_of", ""),
    )
    if "started_ms" in document:
        result.start_time.FromMilliseconds(document["started_ms"])
    if "ended_ms" in document:
        result.end_time.FromMilliseconds(document["ended_ms"])
    return result


def put_into_queue(view: batch_pb2.Batch, place: QueuePlace | None) -> None:
    """Say where a batch is in the queue, if it is there."""
    if place is not None:
        view.queue_position = place.items_ahead
        if place.end_ms is not None:
            view.estimated_end_time.FromMilliseconds(place.end_ms)


def created(document: Document) -> batch_pb2.CreateBatchResponse:
    """The answer to a submit: the batch as it was accepted, whatever became of it since."""
    accepted = {**document, "state": model.PENDING}
    item_ids = [ids.item_id(document["_id"], index) for index in range(document["total"])]
    return batch_pb2.CreateBatchResponse(batch=batch(accepted, Counts(document["total"])), item_ids=item_ids)


def item(document: Document, expires_ms: int, sign: SignUrl) -> batch_pb2.Item:
    """An item; download addresses are signed at every read, come out the same, and end when the batch expires."""
    view = batch_pb2.Item(
        id=document["_id"],
        batch_id=document["batch_id"],
        index=document["index"],
        state=_ITEM_STATES[document["state"]],
        outputs=[_output(stored, document, expires_ms, sign) for stored in document.get("outputs", ())],
        errors=_errors(document, expires_ms, sign),
        warnings=document["warnings"],
        reference=document["reference"],
        filename=document["filename"],
        format=document["format"],
        input_type=document["input_type"],
        template_id=document["template_id"],
        # Cancelling counts as an attempt, which fences out the renderer; nobody claimed it for that.
        attempts=document["attempt"] - (document["state"] == model.CANCELLED),
        crashes=document["crashes"],
        duration_ms=document.get("duration_ms", 0),
        upload_ms=document.get("upload_ms", 0),
        create_time=clock.timestamp(document["created_ms"]),
        inline_data=document["inline_data"],
        retry_of=document.get("retry_of", ""),
    )
    for moment, written in (
        (view.queue_time, "dispatched_ms"),
        (view.claim_time, "claimed_ms"),
        (view.end_time, "ended_ms"),
    ):
        if written in document:
            moment.FromMilliseconds(document[written])
    return view


def _errors(document: Document, expires_ms: int, sign: SignUrl) -> list[batch_pb2.ItemError]:
    errors = [batch_pb2.ItemError.FromString(stored) for stored in document.get("errors", ())]
    screenshots = [task_pb2.Screenshot.FromString(stored) for stored in document.get("screenshots", ())]
    keys = {screenshot.layout: screenshot.object_key for screenshot in screenshots}
    for error in errors:
        if error.layout in keys:
            # Shown in the browser, under no name: that of the item is its file's.
            error.screenshot_url = sign(keys[error.layout], document["created_ms"], expires_ms, "")
    return errors


def _names(states: Iterable[int], known: Mapping[int, str]) -> list[str]:
    asked = list(dict.fromkeys(states))
    if not set(asked) <= set(known):
        raise invalid(Violation("states", "names known states only"))
    return [known[state] for state in asked]


def _output(stored: bytes, document: Document, expires_ms: int, sign: SignUrl) -> batch_pb2.Output:
    kept = task_pb2.StoredOutput.FromString(stored)
    output = kept.output
    if not document["inline_data"]:
        output.url = sign(kept.object_key, document["created_ms"], expires_ms, document["filename"])
    return output
