"""What was asked for, kept so that it can be asked again, but for an item's row and fields: they are kept as such.

Pure. The text of an item's own document is not kept either: renderers read it from the sources, and so does a retry.
"""

from __future__ import annotations

from collections.abc import Mapping

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.scheduler.store.database import Document


def spec_kept(spec: batch_pb2.BatchSpec) -> batch_pb2.BatchSpec:
    """A batch's spec without what is kept elsewhere or belongs to one call."""
    kept = batch_pb2.BatchSpec()
    kept.CopyFrom(spec)
    kept.ClearField("idempotency")
    kept.ClearField("webhook_url")
    kept.ClearField("metadata_json")
    kept.ClearField("reject_invalid")
    kept.ClearField("single")
    return kept


def item_kept(item: batch_pb2.ItemSpec) -> bytes:
    """What an item asked for beside its row."""
    kept = batch_pb2.ItemSpec()
    kept.CopyFrom(item)
    kept.ClearField("data_json")
    kept.ClearField("reference")
    kept.ClearField("filename")
    kept.ClearField("inline_data")
    if kept.HasField("source") and not kept.source.template_id:
        kept.source.ClearField("body")
    return kept.SerializeToString()


def item_again(stored: Document, sources: Mapping[str, task_pb2.SourceDocument]) -> batch_pb2.ItemSpec:
    """An item as it was submitted.

    Args:
        stored: the item.
        sources: by id, those that `text_of` names.
    """
    item = batch_pb2.ItemSpec.FromString(stored["asked"])
    item.data_json = stored["given"] if "given" in stored else stored["data"]
    item.reference, item.filename, item.inline_data = stored["reference"], stored["filename"], stored["inline_data"]
    if text := text_of(stored):
        setattr(item.source, stored["input_type"], sources[text].body)
    return item


def text_of(stored: Document) -> str:
    """The id of the source that holds the text of an item's own document; empty when it has none."""
    item = batch_pb2.ItemSpec.FromString(stored["asked"])
    if not item.HasField("source") or item.source.WhichOneof("body") is not None:
        return ""
    return task_pb2.Render.FromString(stored["renders"][0]).source_id
