"""Creating something once, however often the call is repeated with the same idempotency key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pressline.batch.v1 import batch_pb2
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.store import idempotency
from services.scheduler.store.database import Document
from services.scheduler.store.idempotency import Idempotency

LEASE_MS = 30_000
BUSY_RETRY_SECONDS = 2.0


class Replayable(Protocol):
    """A response that says whether it is repeated."""

    replayed: bool

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """Its bytes."""

    def ParseFromString(self, serialized: bytes) -> int:  # noqa: N802 - protobuf's name
        """Read them."""


Response = TypeVar("Response", bound=Replayable)


class Once:
    """Answers a repeated call as the first one was answered."""

    def __init__(self, records: Idempotency) -> None:
        self._records = records

    async def create(
        self,
        account_id: str,
        key: batch_pb2.IdempotencyKey,
        made_id: str,
        make: Callable[[str], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        """Make something, or answer as an earlier call with the key was answered.

        Args:
            account_id: whose key it is.
            key: with the digest of the request; without a key in it the call is not repeated.
            made_id: a new id for what is made.
            make: makes it under the id that it is given, which is an earlier one where that call broke off; it must
                bear being repeated.
            answer: the type of the response.

        Raises:
            PresslineError: CONFLICT while an earlier call is being worked on, IDEMPOTENCY_KEY_REUSED for another
                request; or whatever `make` refuses with, which leaves the key unused.
        """
        if not key.key:
            return await make(made_id)
        now = clock.now_ms()
        record_id = idempotency.record_id(account_id, key.scope, key.key)
        earlier = await self._records.begin(record_id, key.fingerprint, made_id, now, now + LEASE_MS)
        failpoint(Failpoint.CREATE_KEY_TAKEN)
        if earlier is None:
            return await self._make(record_id, make, made_id)
        if bytes(earlier["fingerprint"]) != key.fingerprint:
            raise PresslineError(
                Reason.IDEMPOTENCY_KEY_REUSED, "This idempotency key was used with another request body."
            )
        if "response" in earlier:
            return _repeated(earlier, answer)
        await self._take_over(earlier, now)
        return await self._make(record_id, make, earlier["made_id"])

    async def _take_over(self, earlier: Document, now: int) -> None:
        """Go on where an earlier call broke off.

        Raises:
            PresslineError: CONFLICT, while it has not.
        """
        if not await self._records.take_over(earlier, now, now + LEASE_MS):
            raise PresslineError(
                Reason.CONFLICT,
                "A request with this idempotency key is still being worked on.",
                retry_after=BUSY_RETRY_SECONDS,
            )

    async def _make(self, record_id: str, make: Callable[[str], Awaitable[Response]], made_id: str) -> Response:
        try:
            response = await make(made_id)
        except PresslineError:
            await self._records.forget(record_id)
            raise
        except (Exception, asyncio.CancelledError):
            # The same key may try again at once: it goes on with what this call began. A call is cancelled when its
            # deadline is over or its caller gone.
            await self._records.let_go(record_id)
            raise
        await self._records.finish(record_id, response.SerializeToString())
        failpoint(Failpoint.CREATE_ANSWER_KEPT)
        return response


def _repeated(earlier: Document, answer: type[Response]) -> Response:
    """What an earlier call was answered."""
    response = answer()
    response.ParseFromString(bytes(earlier["response"]))
    response.replayed = True
    return response
