"""The body of a `batch.completed` webhook, in the form of the API that the batch came through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.scheduler.model import CANCELLED, FAILED, SUCCEEDED, Counts

EVENT_TYPE = "batch.completed"
GENERATIONS_LIMIT_BYTES = 20_000
_GENERATION_STATUS = {SUCCEEDED: "completed", FAILED: "failed", CANCELLED: "cancelled"}


def body(
    dialect: batch_pb2.Dialect.ValueType,
    batch_id: str,
    status: str,
    counts: Counts,
    ended_ms: int,
    states: list[str],
    metadata: bytes = b"",
) -> bytes:
    """The JSON bytes that are signed and sent.

    Args:
        dialect: decides the shape of `data`.
        batch_id: the batch.
        status: its terminal state.
        counts: its final counts.
        ended_ms: when it ended.
        states: terminal item states by index; used by Deckle's list of generations only.
        metadata: the JSON object that came with the batch, if any.
    """
    data = _DATA[dialect](batch_id, status, counts, states)
    if metadata:
        data["metadata"] = json.loads(metadata)
    when = datetime.fromtimestamp(ended_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {"event": EVENT_TYPE, "type": EVENT_TYPE, "timestamp": when, "data": data}
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def _pictify(batch_id: str, status: str, counts: Counts, _states: list[str]) -> dict[str, Any]:
    return {
        "batchId": batch_id,
        "status": status,
        "totalCount": counts.total,
        "completedCount": counts.succeeded,
        "failedCount": counts.failed,
    }


def _native(batch_id: str, status: str, counts: Counts, _states: list[str]) -> dict[str, Any]:
    return {
        "id": batch_id,
        "status": status,
        "total": counts.total,
        "completed": counts.succeeded,
        "failed": counts.failed,
        "cancelled": counts.cancelled,
    }


def _deckle(batch_id: str, status: str, counts: Counts, states: list[str]) -> dict[str, Any]:
    generations = [
        {"id": ids.item_id(batch_id, index), "index": index, "status": _GENERATION_STATUS[state]}
        for index, state in enumerate(states)
    ]
    data: dict[str, Any] = {
        "batch_id": batch_id,
        "status": status,
        "total": counts.total,
        "completed": counts.succeeded,
        "failed": counts.failed,
    }
    if len(json.dumps(generations)) <= GENERATIONS_LIMIT_BYTES:
        data["generations"] = generations
    return data


_DATA = {
    batch_pb2.DIALECT_NATIVE: _native,
    batch_pb2.DIALECT_PICTIFY: _pictify,
    batch_pb2.DIALECT_DECKLE: _deckle,
}
