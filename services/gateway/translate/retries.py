"""The request to try a batch again, in its RPC form."""

from __future__ import annotations

from pressline.batch.v1 import batch_pb2
from services.gateway.models.retries import LATEST, RetryBody
from services.gateway.translate.paths import Renames

RENAMES: Renames = (
    (r"^idempotency\.key$", "Idempotency-Key"),
    (r"^metadata_json$", "metadata"),
    (r"^states$", "statuses"),
    (r"^latest_template$", "template_version"),
)
_STATES: dict[str, batch_pb2.ItemState.ValueType] = {
    "failed": batch_pb2.ITEM_STATE_FAILED,
    "cancelled": batch_pb2.ITEM_STATE_CANCELLED,
}


def request(batch_id: str, body: RetryBody, key: batch_pb2.IdempotencyKey | None) -> batch_pb2.RetryBatchRequest:
    """The batch to try again, and how. What the body leaves out stays as it was; a null takes it away."""
    version = body.template_version
    given = body.model_fields_set
    return batch_pb2.RetryBatchRequest(
        batch_id=batch_id,
        states=[_STATES[status] for status in body.statuses],
        template_version=version if isinstance(version, int) else 0,
        latest_template=version == LATEST,
        webhook_url=body.webhook_url or "" if "webhook_url" in given else None,
        metadata_json=body.metadata or b"" if "metadata" in given else None,
        idempotency=key,
    )
