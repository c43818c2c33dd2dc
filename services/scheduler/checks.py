"""Validation of what callers submit: every violation, with its path. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic_core import from_json

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.addresses import PUBLIC_ONLY, AllowList
from services.common.errors import Violation
from services.scheduler import environment, images, pdfs, receivers, variables

MAX_SOURCE_BYTES = 5_000_000
MAX_PIXELS = 4_000
MAX_CONCURRENCY = 10
MAX_LAYOUTS = 10
MAX_TEMPLATE_LAYOUTS = 50
# A database document has at most 16 MB.
MAX_TEMPLATE_BYTES = 15_000_000
MAX_REFERENCE = 256
MAX_FILENAME = 255
MAX_METADATA_BYTES = 4_096
MAX_IDEMPOTENCY_KEY = 255
MAX_NAME = 256
_LAYOUT_NAME = re.compile(r"[a-z0-9-]{1,64}")
_IMAGE_FORMATS = {batch_pb2.FORMAT_PNG, batch_pb2.FORMAT_JPEG, batch_pb2.FORMAT_WEBP}


def batch(
    spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec], allow: AllowList = PUBLIC_ONLY
) -> list[Violation]:
    """What is wrong with a submitted batch; paths are those of the request message.

    Args:
        spec: what goes for all items.
        items: one by one.
        allow: webhook receivers that may be reached although their address is not public.
    """
    found = list(_spec(spec, allow))
    if not items:
        found.append(Violation("items", "a batch has at least one item"))
    if spec.single and len(items) > 1:
        found.append(Violation("items", "a single render has one item"))
    for index, item in enumerate(items):
        found += _item(item, spec, f"items[{index}]")
    return found


def template(content: template_pb2.TemplateContent) -> list[Violation]:
    """What is wrong with a template's content."""
    found = list(_text(content.html, "html", required=True))
    if content.ByteSize() > MAX_TEMPLATE_BYTES:
        found.append(Violation("layouts", f"together with all else exceed {MAX_TEMPLATE_BYTES} bytes"))
    if len(content.layouts) > MAX_TEMPLATE_LAYOUTS:
        found.append(Violation("layouts", f"has at most {MAX_TEMPLATE_LAYOUTS} entries"))
    found += variables.violations(content)
    found += _text(content.styles, "styles", required=False)
    found += _size(content.width, content.height, "")
    if len(content.name) > MAX_NAME:
        found.append(Violation("name", f"is longer than {MAX_NAME} characters"))
    for name, layout in content.layouts.items():
        path = f"layouts.{name}"
        if not _LAYOUT_NAME.fullmatch(name):
            found.append(Violation(path, "a layout's name has 1 to 64 of a-z, 0-9 and '-'"))
        found += _text(layout.html, f"{path}.html", required=False)
        found += _size(layout.width, layout.height, f"{path}.")
    return found


def idempotency(key: batch_pb2.IdempotencyKey, path: str) -> Iterator[Violation]:
    """What is wrong with the idempotency key of a call."""
    if len(key.key) > MAX_IDEMPOTENCY_KEY:
        yield Violation(f"{path}.key", f"has 1 to {MAX_IDEMPOTENCY_KEY} characters")


def announcement(webhook_url: str, metadata_json: bytes, prefix: str, allow: AllowList) -> Iterator[Violation]:
    """What is wrong with where a batch's end is announced, and what is said of it there."""
    if webhook_url and (fault := receivers.fault(webhook_url, allow)):
        yield Violation(f"{prefix}webhook_url", fault)
    if len(metadata_json) > MAX_METADATA_BYTES or not _is_object(metadata_json):
        yield Violation(f"{prefix}metadata_json", f"is a JSON object of at most {MAX_METADATA_BYTES} bytes")


def _spec(spec: batch_pb2.BatchSpec, allow: AllowList) -> Iterator[Violation]:
    if spec.dialect == batch_pb2.DIALECT_UNSPECIFIED:
        yield Violation("spec.dialect", "is required")
    if not 0 <= spec.concurrency <= MAX_CONCURRENCY:
        yield Violation("spec.concurrency", f"is from 1 to {MAX_CONCURRENCY}")
    if len(spec.layouts) > MAX_LAYOUTS:
        yield Violation("spec.layouts", f"has at most {MAX_LAYOUTS} names")
    if len(set(spec.layouts)) != len(spec.layouts):
        yield Violation("spec.layouts", "names each layout once")
    yield from announcement(spec.webhook_url, spec.metadata_json, "spec.", allow)
    if spec.single and spec.webhook_url:
        yield Violation("spec.webhook_url", "is not for a single render: its caller waits")
    if spec.HasField("idempotency") and not 0 < len(spec.idempotency.key) <= MAX_IDEMPOTENCY_KEY:
        yield Violation("spec.idempotency.key", f"has 1 to {MAX_IDEMPOTENCY_KEY} characters")
    yield from environment.violations(spec.environment, "spec.environment")
    yield from _output(spec.output, "spec.output")


def _item(item: batch_pb2.ItemSpec, spec: batch_pb2.BatchSpec, path: str) -> Iterator[Violation]:
    source = item.source if item.HasField("source") else spec.source
    output = item.output if item.HasField("output") else spec.output
    yield from _source(source, f"{path}.source")
    if output.format == batch_pb2.FORMAT_UNSPECIFIED:
        yield Violation(f"{path}.output.format", "is required, here or for the whole batch")
    if item.HasField("output"):
        yield from _output(item.output, f"{path}.output")
    if not _is_object(item.data_json):
        yield Violation(f"{path}.data_json", "is a JSON object")
    if len(item.reference) > MAX_REFERENCE:
        yield Violation(f"{path}.reference", f"is longer than {MAX_REFERENCE} characters")
    if len(item.filename) > MAX_FILENAME:
        yield Violation(f"{path}.filename", f"is longer than {MAX_FILENAME} characters")
    if spec.layouts and source.WhichOneof("body") != "template_id":
        yield Violation(f"{path}.source", "layouts belong to a template")


def _source(source: batch_pb2.Source, path: str) -> Iterator[Violation]:
    body = source.WhichOneof("body")
    if body is None:
        yield Violation(path, "needs one of html, react or template, here or for the whole batch")
    elif body in ("html", "react"):
        yield from _text(getattr(source, body), f"{path}.{body}", required=True)
    if len(source.styles) > MAX_SOURCE_BYTES:
        yield Violation(f"{path}.styles", f"is larger than {MAX_SOURCE_BYTES} bytes")


def _output(output: batch_pb2.OutputSpec, path: str) -> Iterator[Violation]:
    options = output.WhichOneof("options")
    if (options == "pdf") != (output.format == batch_pb2.FORMAT_PDF) and options is not None:
        yield Violation(path, "its options are not of its format")
    if options == "image" and output.format in _IMAGE_FORMATS:
        yield from images.violations(output.image, output.format, f"{path}.image")
        yield from _size(output.image.width, output.image.height, f"{path}.image.")
    if options == "pdf":
        yield from pdfs.violations(output.pdf, f"{path}.pdf")


def _size(width: int, height: int, prefix: str) -> Iterator[Violation]:
    for name, value in (("width", width), ("height", height)):
        if not 0 <= value <= MAX_PIXELS:
            yield Violation(f"{prefix}{name}", f"is from 1 to {MAX_PIXELS} CSS pixels")


def _text(text: str, path: str, *, required: bool) -> Iterator[Violation]:
    if required and not text:
        yield Violation(path, "is required")
    if len(text.encode()) > MAX_SOURCE_BYTES:
        yield Violation(path, f"is larger than {MAX_SOURCE_BYTES} bytes")


def _is_object(data: bytes) -> bool:
    if not data:
        return True
    try:
        return isinstance(from_json(data, cache_strings=False), dict)
    except ValueError:
        return False
