"""Failpoints: named places where a process kills itself, if it was started to, so that tests can end it at any step.

`PRESSLINE_FAILPOINT=scheduler.create.committed` has the scheduler die as by SIGKILL when it comes to that place for
the first time, and `…:3` when it comes there for the third time. In a process that was started without it, a failpoint
costs a comparison.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from enum import StrEnum

import structlog

log = structlog.get_logger()


class Failpoint(StrEnum):
    """Every failpoint: the service that dies there, what it is at, and what it has just done."""

    CREATE_KEY_TAKEN = "scheduler.create.key_taken"
    CREATE_INSERTED = "scheduler.create.inserted"
    CREATE_HELD = "scheduler.create.held"
    CREATE_RESERVED = "scheduler.create.reserved"
    CREATE_CHUNK_STORED = "scheduler.create.chunk_stored"
    CREATE_COMMITTED = "scheduler.create.committed"
    CREATE_ANSWER_KEPT = "scheduler.create.answer_kept"
    CREATE_ACCEPTED = "gateway.create.accepted"

    DISPATCH_PLACE_TAKEN = "scheduler.dispatch.place_taken"
    DISPATCH_BATCH_STARTED = "scheduler.dispatch.batch_started"
    DISPATCH_SLOT_TAKEN = "scheduler.dispatch.slot_taken"
    DISPATCH_ITEM_DISPATCHED = "scheduler.dispatch.item_dispatched"
    DISPATCH_RUNG = "scheduler.dispatch.rung"

    CLAIM_FETCHED = "renderer.claim.fetched"
    CLAIM_LEASED = "scheduler.claim.leased"
    CLAIM_ANSWERED = "renderer.claim.answered"
    CLAIM_TAKEN_OVER = "scheduler.claim.taken_over"

    STORE_RENDERED = "renderer.store.rendered"
    STORE_PUT = "renderer.store.put"

    COMPLETE_ITEM_ENDED = "scheduler.complete.item_ended"
    COMPLETE_SLOT_FREED = "scheduler.complete.slot_freed"
    COMPLETE_REPORTED = "renderer.complete.reported"

    FINISH_BATCH_ENDED = "scheduler.finish.batch_ended"
    FINISH_PLACE_LEFT = "scheduler.finish.place_left"
    FINISH_USE_NOTED = "scheduler.finish.use_noted"
    FINISH_SETTLED = "scheduler.finish.settled"

    PUBLISH_EVENT_STORED = "scheduler.publish.event_stored"
    PUBLISH_IN_FEED = "scheduler.publish.in_feed"
    PUBLISH_ADDRESSED = "scheduler.publish.addressed"
    PUBLISH_RUNG = "scheduler.publish.rung"

    DELIVER_LEASED = "scheduler.deliver.leased"
    DELIVER_RECEIVED = "notifier.deliver.received"
    DELIVER_SENT = "notifier.deliver.sent"
    DELIVER_RECORDED = "scheduler.deliver.recorded"

    CANCEL_MARKED = "scheduler.cancel.marked"
    CANCEL_CHUNK_CANCELLED = "scheduler.cancel.chunk_cancelled"
    CANCEL_ITEMS_CANCELLED = "scheduler.cancel.items_cancelled"

    SWEEP_RING_COUNTED = "scheduler.sweep.ring_counted"
    SWEEP_GIVEN_UP = "scheduler.sweep.given_up"
    SWEEP_ITEMS_DELETED = "scheduler.sweep.items_deleted"

    REMOVE_BEGUN = "scheduler.remove.begun"
    REMOVE_ARCHIVES_DELETED = "scheduler.remove.archives_deleted"
    REMOVE_OBJECTS_DELETED = "scheduler.remove.objects_deleted"
    REMOVE_ITEMS_DELETED = "scheduler.remove.items_deleted"
    REMOVE_BURIED = "scheduler.remove.buried"

    ARCHIVE_QUEUED = "scheduler.archive.queued"
    ARCHIVE_STORED = "renderer.archive.stored"
    ARCHIVE_COMPLETED = "scheduler.archive.completed"

    @property
    def service(self) -> str:
        """The service that comes there."""
        return self.partition(".")[0]


@dataclass
class _Armed:
    """What this process was asked to do: to die at a failpoint when it comes there so many times from now."""

    point: Failpoint
    left: int


_SPEC = re.compile(r"(?P<name>[a-z_.]+)(:(?P<nth>[1-9]\d{0,5}))?")
_armed: _Armed | None = None


def failpoint(point: Failpoint) -> None:
    """End this process here if it was started to; it runs nothing any more, not even a `finally`."""
    if _armed is not None and _armed.point is point:
        _reached(_armed)


def checked(spec: str) -> str:
    """A failpoint's name, with `:n` behind it for the n-th time, as it was given.

    Raises:
        ValueError: it is none.
    """
    _parsed(spec)
    return spec


def arm(service: str, spec: str | None) -> None:
    """Have this process die where it is told; a failpoint of another service does nothing.

    Raises:
        ValueError: there is no such failpoint.
    """
    global _armed  # noqa: PLW0603 - one process dies once
    wanted = _parsed(spec) if spec else None
    if wanted is None or wanted.point.service != service:
        return
    _armed = wanted
    log.warning("failpoint.armed", failpoint=wanted.point, time=wanted.left, what="This process will kill itself there")


def _parsed(spec: str) -> _Armed:
    match = _SPEC.fullmatch(spec)
    if match is None or match["name"] not in set(Failpoint):
        raise ValueError(f"is not a failpoint; those are {', '.join(Failpoint)}, each with :n for the n-th time")
    return _Armed(Failpoint(match["name"]), int(match["nth"] or 1))


def _reached(armed: _Armed) -> None:
    armed.left -= 1
    if armed.left:
        return
    log.warning("failpoint.reached", failpoint=armed.point)
    os.kill(os.getpid(), signal.SIGKILL)
