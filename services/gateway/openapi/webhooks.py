"""What the service calls, described like what calls it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header

from services.gateway.models.answers.webhooks import BatchEnded

routes = APIRouter(tags=["Webhooks"])


@routes.post("batch.completed", status_code=204, response_description="Any 2xx: received.")
async def batch_completed(
    body: BatchEnded,
    webhook_id: Annotated[str, Header(description="Of the event; the same in every attempt.")],
    webhook_timestamp: Annotated[int, Header(description="Of the attempt, in seconds since 1970.")],
    webhook_signature: Annotated[
        str,
        Header(description="`v1,` and base64 of the HMAC-SHA256 of `id.timestamp.body`; two while a secret rotates."),
    ],
) -> None:
    """A batch has ended.

    Signed after the Standard Webhooks specification. Any answer but a 2xx within 15 seconds is followed by another
    attempt, ten in all over three days; 410 ends them.
    """
