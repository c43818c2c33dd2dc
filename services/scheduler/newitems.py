"""The document of a new item."""

from __future__ import annotations

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.scheduler import asked, model
from services.scheduler.resolve import Plan
from services.scheduler.rowcheck import CheckedRow
from services.scheduler.store.database import SCHEMA, Document

TEMPLATE_ERROR = "TEMPLATE_ERROR"


def new_item(batch: Document, index: int, item: batch_pb2.ItemSpec, plan: Plan, row: CheckedRow) -> Document:
    """An item of a batch at an index, to be rendered by a plan; one whose row has faults has failed."""
    document = {
        "_id": ids.item_id(batch["_id"], index),
        "batch_id": batch["_id"],
        "account_id": batch["account_id"],
        "index": index,
        "state": model.PENDING,
        "open": batch["_id"],
        "attempt": 0,
        "dispatch_n": 0,
        "crashes": 0,
        "renders": plan.stored_renders,
        "format": plan.renders[0].output.format,
        "input_type": plan.input_type,
        "template_id": plan.template_id,
        "template_version": plan.template.version if plan.template else 0,
        "asked": asked.item_kept(item),
        "data": row.data_json,
        "reference": item.reference,
        "filename": item.filename,
        "inline_data": item.inline_data,
        "warnings": list(item.warnings),
        "created_ms": batch["created_ms"],
        "schema": SCHEMA,
    }
    if row.data_json != item.data_json:
        document["given"] = item.data_json
    return _failed(document, row) if row.faults else document


def _failed(item: Document, row: CheckedRow) -> Document:
    """An item that ends before it begins: its row does not fit the template."""
    error = batch_pb2.ItemError(code=TEMPLATE_ERROR, message=row.sentence)
    del item["open"]
    return {**item, "state": model.FAILED, "errors": [error.SerializeToString()], "ended_ms": item["created_ms"]}
