"""The native API: everything the engine knows, in snake_case."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from pressline.batch.v1 import batch_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import Violation, invalid
from services.gateway.models.native import BatchBody, ImageOutput, ItemBody, Output, SourceFields
from services.gateway.translate.pages import pdf_options
from services.gateway.translate.pdf import extras
from services.gateway.translate.values import (
    BATCH_STATES,
    FORMATS,
    ITEM_STATE_NAMES,
    format_name,
    progress,
    timestamp,
)

_CURSOR_PREFIX = "index:"
_MAX_INDEX = 10**6
_DELIVERY_STATES: dict[int, str] = {
    webhook_pb2.DELIVERY_STATE_PENDING: "pending",
    webhook_pb2.DELIVERY_STATE_DELIVERED: "delivered",
    webhook_pb2.DELIVERY_STATE_DEAD: "dead",
    webhook_pb2.DELIVERY_STATE_DISABLED: "disabled",
}


def batch_spec(body: BatchBody) -> batch_pb2.BatchSpec:
    """The batch without its items."""
    return batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_NATIVE,
        source=_source(body.defaults) if body.defaults.has_source else None,
        output=_output(body.defaults.output),
        concurrency=body.concurrency or 0,
        webhook_url=body.webhook_url or "",
        metadata_json=body.metadata or b"",
        environment=_environment(body),
    )


def item_specs(body: BatchBody) -> Iterator[batch_pb2.ItemSpec]:
    """The items, in order.

    Raises:
        PresslineError: VALIDATION_ERROR naming every item that has nothing to render.
    """
    if not body.defaults.has_source:
        bare = [index for index, item in enumerate(body.items) if not item.has_source]
        if bare:
            raise invalid(
                *(Violation(f"items[{i}]", "needs template, html or react, here or in defaults") for i in bare)
            )
    return map(_item_spec, body.items)


def batch(stored: batch_pb2.Batch) -> dict[str, Any]:
    """A batch with its counts."""
    template = {"id": stored.template_id, "version": stored.template_version} if stored.template_id else None
    environment = stored.environment
    return {
        "id": stored.id,
        "status": BATCH_STATES[stored.state],
        "total": stored.counts.total,
        "completed": stored.counts.succeeded,
        "failed": stored.counts.failed,
        "cancelled": stored.counts.cancelled,
        "progress": progress(stored.counts),
        "created_at": timestamp(stored.create_time),
        "started_at": timestamp(stored.start_time),
        "finished_at": timestamp(stored.end_time),
        "expires_at": timestamp(stored.expire_time),
        "queue_position": stored.queue_position if stored.HasField("queue_position") else None,
        "estimated_finish_at": timestamp(stored.estimated_end_time),
        "template": template,
        "retry_of": stored.retry_of or None,
        "retried_by": list(stored.retried_by),
        "metadata": from_json(stored.metadata_json) if stored.metadata_json else None,
        "timezone": environment.timezone,
        "locale": environment.locale,
        "clock": environment.clock.ToJsonString() if environment.HasField("clock") else None,
        "missing_assets": "error" if environment.assets_required else "warn",
        "warnings": [],
    }


def batches(listed: batch_pb2.ListBatchesResponse) -> dict[str, Any]:
    """A page of batches."""
    return {"data": [batch(each) for each in listed.batches], "next_cursor": listed.next_page_token or None}


def items(listed: batch_pb2.ListItemsResponse) -> dict[str, Any]:
    """A page of items."""
    next_cursor = cursor(listed.next_index) if listed.next_index else None
    return {"data": [item(each) for each in listed.items], "next_cursor": next_cursor}


def item(stored: batch_pb2.Item) -> dict[str, Any]:
    """One item; its file's fields are null until there is one."""
    output = stored.outputs[0] if stored.outputs else None
    error = stored.errors[0] if stored.errors else None
    return {
        "id": stored.id,
        "index": stored.index,
        "status": ITEM_STATE_NAMES[stored.state],
        "reference": stored.reference or None,
        "filename": stored.filename or None,
        "retry_of": stored.retry_of or None,
        "url": output.url or None if output else None,
        "format": format_name(stored.format),
        "width": output.width or None if output else None,
        "height": output.height or None if output else None,
        "pages": output.pages or None if output else None,
        "bytes": output.size_bytes if output else None,
        "sha256": output.sha256 if output else None,
        "outputs": [_file(each) for each in stored.outputs],
        "attempts": stored.attempts,
        "crashes": stored.crashes,
        "queued_at": timestamp(stored.queue_time),
        "claimed_at": timestamp(stored.claim_time),
        "finished_at": timestamp(stored.end_time),
        "duration_ms": stored.duration_ms if output or error else None,
        "upload_ms": stored.upload_ms if output else None,
        "error": _failure(error) if error else None,
        "warnings": list(stored.warnings),
    }


def deliveries(listed: webhook_pb2.ListDeliveriesResponse) -> dict[str, Any]:
    """The deliveries of a batch, every attempt included."""
    return {"data": [delivery(each) for each in listed.deliveries], "next_cursor": None}


def delivery(stored: webhook_pb2.Delivery) -> dict[str, Any]:
    """A delivery with its attempts."""
    return {
        "id": stored.id,
        "event_id": stored.event_id,
        "url": stored.url,
        "state": _DELIVERY_STATES[stored.state],
        "next_at": timestamp(stored.next_time),
        "attempts": [_attempt(each) for each in stored.attempts],
    }


def cursor(index: int) -> str:
    """An opaque cursor for the item to continue from."""
    return base64.urlsafe_b64encode(f"{_CURSOR_PREFIX}{index}".encode()).decode().rstrip("=")


def index_of(text: str) -> int:
    """The item that a cursor continues from.

    Raises:
        PresslineError: VALIDATION_ERROR for a cursor that no answer has given out.
    """
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    number = decoded.removeprefix(_CURSOR_PREFIX)
    if decoded == number or not (number.isascii() and number.isdecimal()) or len(number) > len(str(_MAX_INDEX)):
        raise invalid(Violation("cursor", "is not a cursor of this list"))
    return int(number)


def _environment(body: BatchBody) -> batch_pb2.Environment:
    environment = batch_pb2.Environment(
        timezone=body.timezone or "",
        locale=body.locale or "",
        assets_required=body.missing_assets == "error",
    )
    if body.clock is not None:
        environment.clock.FromDatetime(body.clock)
    return environment


def _item_spec(body: ItemBody) -> batch_pb2.ItemSpec:
    return batch_pb2.ItemSpec(
        data_json=body.data or b"",
        source=_source(body) if body.has_source else None,
        output=_output(body.output) if body.output is not None else None,
        reference=body.reference,
        filename=body.filename,
    )


def _source(body: SourceFields) -> batch_pb2.Source:
    source = batch_pb2.Source(styles=body.styles or "", tailwind=body.tailwind)
    if body.template is not None:
        source.template_id = body.template
    elif body.react is not None:
        source.react = body.react
    else:
        source.html = body.html or ""
    return source


def _output(output: Output) -> batch_pb2.OutputSpec:
    if isinstance(output, ImageOutput):
        image = batch_pb2.ImageOptions(
            quality=output.quality,
            width=output.width or 0,
            height=output.height or 0,
            device_scale_factor=output.device_scale_factor,
            selector=output.selector or "",
            full_page=output.full_page,
            transparent=output.transparent,
        )
        return batch_pb2.OutputSpec(format=FORMATS[output.format], image=image)
    pdf = pdf_options(
        output.page_size, output.margin, output.orientation, output.header, output.footer, output.print_background
    )
    pdf.MergeFrom(extras(output))
    return batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PDF, pdf=pdf)


def _file(output: batch_pb2.Output) -> dict[str, Any]:
    return {
        "layout": output.layout or None,
        "url": output.url or None,
        "format": format_name(output.format),
        "width": output.width or None,
        "height": output.height or None,
        "pages": output.pages or None,
        "bytes": output.size_bytes,
        "sha256": output.sha256,
    }


def _failure(error: batch_pb2.ItemError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "screenshot_url": error.screenshot_url or None}


def _attempt(stored: webhook_pb2.Attempt) -> dict[str, Any]:
    return {
        "at": timestamp(stored.start_time),
        "status_code": stored.status_code or None,
        "duration_ms": stored.duration.ToMilliseconds(),
        "error": stored.error or None,
    }
