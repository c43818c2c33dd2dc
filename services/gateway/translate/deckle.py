"""The Deckle dialect: documents in, PDFs out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from pressline.batch.v1 import batch_pb2
from services.gateway.models.deckle import GenerateBatchBody, GenerationBody
from services.gateway.translate.pages import pdf_options
from services.gateway.translate.pdf import extras
from services.gateway.translate.values import timestamp

STATUSES: dict[int, str] = {
    batch_pb2.ITEM_STATE_PENDING: "queued",
    batch_pb2.ITEM_STATE_DISPATCHED: "queued",
    batch_pb2.ITEM_STATE_RENDERING: "processing",
    batch_pb2.ITEM_STATE_SUCCEEDED: "completed",
    batch_pb2.ITEM_STATE_FAILED: "failed",
    batch_pb2.ITEM_STATE_CANCELLED: "cancelled",
}
STATES: dict[str, list[batch_pb2.ItemState.ValueType]] = {
    name: [batch_pb2.ItemState.ValueType(state) for state, shown in STATUSES.items() if shown == name]
    for name in dict.fromkeys(STATUSES.values())
}


def batch_spec(body: GenerateBatchBody) -> batch_pb2.BatchSpec:
    """The batch without its items; each brings its own source and output."""
    return batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE, webhook_url=body.webhook or "")


def item_specs(body: GenerateBatchBody) -> Iterator[batch_pb2.ItemSpec]:
    """The items, in order."""
    return map(item_spec, body.items)


def item_spec(item: GenerationBody) -> batch_pb2.ItemSpec:
    """One PDF to make."""
    options = item.options
    pdf = pdf_options(
        options.format, options.margin, options.orientation, options.header, options.footer, options.print_background
    )
    pdf.MergeFrom(extras(options))
    return batch_pb2.ItemSpec(
        data_json=item.data or b"",
        source=_source(item),
        output=batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PDF, pdf=pdf),
        inline_data=item.output == "base64",
        warnings=_warnings(item),
    )


def accepted(response: batch_pb2.CreateBatchResponse) -> dict[str, Any]:
    """The answer to an accepted batch."""
    return {
        "batch_id": response.batch.id,
        "total": response.batch.counts.total,
        "generations": [{"id": item_id, "index": index} for index, item_id in enumerate(response.item_ids)],
        "status": "queued",
    }


def generation(item: batch_pb2.Item) -> dict[str, Any]:
    """One generation."""
    output = item.outputs[0] if item.outputs else None
    return {
        "id": item.id,
        "batch_id": item.batch_id,
        "index": item.index,
        "input_type": item.input_type,
        "template_id": item.template_id or None,
        "status": STATUSES[item.state],
        "url": output.url or None if output else None,
        "data": base64.b64encode(item.data).decode() if item.data else None,
        "pages": output.pages if output else None,
        "file_size": output.size_bytes if output else None,
        "generation_time_ms": item.duration_ms if output or item.errors else None,
        "error": {"code": item.errors[0].code, "message": item.errors[0].message} if item.errors else None,
        "warnings": list(item.warnings),
        "created_at": timestamp(item.create_time),
    }


def generations(listed: batch_pb2.ListAccountItemsResponse) -> dict[str, Any]:
    """A page of generations."""
    return {"data": [generation(each) for each in listed.items], "next_cursor": listed.next_page_token or None}


def rendered(item: batch_pb2.Item) -> dict[str, Any]:
    """The answer to a single call: a generation without what its caller knows already."""
    whole = generation(item)
    result = "data" if item.inline_data else "url"
    fields = ("id", "status", result, "pages", "file_size", "generation_time_ms", "error", "warnings")
    return {field: whole[field] for field in fields}


def _source(item: GenerationBody) -> batch_pb2.Source:
    source = batch_pb2.Source(styles=item.styles or "", tailwind=item.tailwind)
    if item.template:
        source.template_id = item.template
    elif item.react:
        source.react = item.react
    else:
        source.html = item.html or ""
    return source


def _warnings(item: GenerationBody) -> list[str]:
    given = [name for name in ("template", "react", "html") if getattr(item, name)]
    if len(given) == 1:
        return []
    return [f"Only {given[0]} was rendered; {' and '.join(given[1:])} beside it was ignored."]
