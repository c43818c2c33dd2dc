"""The audit log: who did what with an account's keys, plan, egress policy, secrets and assets.

A record is written before what it tells of, so that nothing is done unrecorded; a process that dies in between leaves
the record of something that its caller has not got and will ask for again.
"""

from __future__ import annotations

import re

from pressline.account.v1 import account_pb2
from services.common import ids
from services.common.errors import Violation, invalid
from services.scheduler import clock
from services.scheduler.store.audit import Audit
from services.scheduler.store.database import SCHEMA, Document

KEY_CREATED = "key.created"
KEY_ROTATED = "key.rotated"
KEY_REVOKED = "key.revoked"
PLAN_CHANGED = "plan.changed"
EGRESS_CHANGED = "egress.changed"
SECRET_SHOWN = "webhook_secret.shown"  # noqa: S105 - the name of an action
SECRET_ROTATED = "webhook_secret.rotated"  # noqa: S105 - likewise
ASSET_CREATED = "asset.created"
ASSET_REPLACED = "asset.replaced"
ASSET_DELETED = "asset.deleted"
# Who acts without a key.
OPERATOR = "operator"
KEPT_MS = 90 * clock.DAY_MS
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
MINUTE_MS = 60_000
_ORDER = re.compile("[0-9]{14}[0-9a-z]{16}")


class AuditLog:
    """Writes and reads the log."""

    def __init__(self, events: Audit) -> None:
        self._events = events

    async def record(self, account_id: str, actor: str, action: str, subject: str = "") -> None:
        """Write that something is about to be done."""
        await self._write(ids.new("aud"), account_id, actor, action, subject)

    async def record_reading(self, account_id: str, actor: str, action: str) -> None:
        """Write that something is about to be shown; once a minute is enough, and bounds what a loop writes."""
        minute = clock.now_ms() // MINUTE_MS
        await self._write(f"aud_{account_id}:{actor}:{action}:{minute}", account_id, actor, action, "")

    async def page(self, account_id: str, size: int, token: str) -> account_pb2.ListAuditEventsResponse:
        """A page, newest first; the token is the place of the last event before it."""
        if not 0 <= size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
        if token and not _ORDER.fullmatch(token):
            raise invalid(Violation("page_token", "is not from an earlier page"))
        size = size or DEFAULT_PAGE
        found = await self._events.newest(account_id, token, size + 1)
        page = found[:size]
        return account_pb2.ListAuditEventsResponse(
            events=[_view(event) for event in page],
            next_page_token=page[-1]["order"] if len(found) > size else "",
        )

    async def _write(self, event_id: str, account_id: str, actor: str, action: str, subject: str) -> None:
        now = clock.now_ms()
        await self._events.insert(
            {
                "_id": event_id,
                "account_id": account_id,
                "actor": actor,
                "action": action,
                "subject": subject,
                "at_ms": now,
                "order": f"{now:014d}{ids.new('').removeprefix('_')}",
                "schema": SCHEMA,
            }
        )


def _view(event: Document) -> account_pb2.AuditEvent:
    return account_pb2.AuditEvent(
        id=event["_id"],
        action=event["action"],
        actor=event["actor"],
        subject=event["subject"],
        time=clock.timestamp(event["at_ms"]),
    )
