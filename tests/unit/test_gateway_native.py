"""Translation of the native API."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from pressline.batch.v1 import batch_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import PresslineError
from services.gateway.models.native import BatchBody
from services.gateway.translate import native


def body(**fields: object) -> BatchBody:
    return BatchBody.model_validate({"defaults": {"html": "x"}, "items": [{}], **fields})


def test_defaults_and_items_keep_their_own() -> None:
    batch = body(
        defaults={"template": "tmpl_1", "styles": "p{}", "output": {"format": "webp", "quality": 0.5, "width": 10}},
        items=[
            {"data": {"a": 1}, "reference": "r", "filename": "f"},
            {"html": "<p>", "output": {"format": "pdf", "page_size": "Letter", "margin": "1cm"}},
        ],
        concurrency=3,
        webhook_url="https://e.com",
        metadata={"n": 9007199254740993},
    )
    spec, (first, second) = native.batch_spec(batch), native.item_specs(batch)
    assert spec.source == batch_pb2.Source(template_id="tmpl_1", styles="p{}")
    assert spec.output.image == batch_pb2.ImageOptions(quality=0.5, width=10, device_scale_factor=1)
    assert (spec.concurrency, spec.webhook_url, spec.metadata_json) == (3, "https://e.com", b'{"n":9007199254740993}')
    assert (first.data_json, first.reference, first.filename) == (b'{"a":1}', "r", "f")
    assert not first.HasField("source")
    assert not first.HasField("output")
    assert second.source == batch_pb2.Source(html="<p>")
    assert (second.output.format, second.output.pdf.width, second.output.pdf.margin_top) == (
        batch_pb2.FORMAT_PDF,
        "8.5in",
        "1cm",
    )


def test_tailwind_belongs_to_a_source() -> None:
    batch = body(defaults={"html": "x", "tailwind": True}, items=[{}, {"react": "y", "tailwind": True}, {"html": "z"}])
    spec, (_, *own) = native.batch_spec(batch), native.item_specs(batch)
    assert spec.source == batch_pb2.Source(html="x", tailwind=True)
    assert [item.source for item in own] == [batch_pb2.Source(react="y", tailwind=True), batch_pb2.Source(html="z")]
    with pytest.raises(ValidationError, match="has tailwind but no template"):
        body(items=[{"tailwind": True}])


def test_without_a_page_size_the_document_decides() -> None:
    pdf = native.batch_spec(body(defaults={"html": "x", "output": {"format": "pdf"}})).output.pdf
    assert (pdf.width, pdf.height) == ("", "")


def test_every_item_without_anything_to_render_is_named() -> None:
    with pytest.raises(PresslineError) as caught:
        native.item_specs(BatchBody.model_validate({"items": [{}, {"html": "x"}, {"data": {}}]}))
    assert [violation.path for violation in caught.value.violations] == ["items[0]", "items[2]"]


def test_a_batch() -> None:
    counts = batch_pb2.ItemCounts(total=4, succeeded=1, failed=1, cancelled=1)
    stored = batch_pb2.Batch(
        id="b", state=batch_pb2.BATCH_STATE_CANCELLED, counts=counts, template_id="tmpl_1", template_version=2
    )
    answer = native.batch(stored)
    assert answer["template"] == {"id": "tmpl_1", "version": 2}
    assert [answer[key] for key in ("total", "completed", "failed", "cancelled", "progress")] == [4, 1, 1, 1, 75]
    assert answer["metadata"] is None


def test_metadata_comes_back_exactly() -> None:
    stored = batch_pb2.Batch(state=batch_pb2.BATCH_STATE_PENDING, metadata_json=b'{"n":9007199254740993}')
    assert native.batch(stored)["metadata"] == {"n": 9007199254740993}


def test_a_dispatched_item_is_pending() -> None:
    item = native.item(batch_pb2.Item(state=batch_pb2.ITEM_STATE_DISPATCHED, format=batch_pb2.FORMAT_PDF))
    assert (item["status"], item["format"], item["url"], item["error"]) == ("pending", "pdf", None, None)


def test_an_item_shows_the_file_of_every_layout() -> None:
    outputs = [
        batch_pb2.Output(
            layout=name, url=f"http://{name}", format=batch_pb2.FORMAT_PNG, width=2, height=1, size_bytes=9
        )
        for name in ("wide", "")
    ]
    item = native.item(batch_pb2.Item(state=batch_pb2.ITEM_STATE_SUCCEEDED, outputs=outputs))
    assert (item["url"], [each["layout"] for each in item["outputs"]]) == ("http://wide", ["wide", None])
    assert item["outputs"][0] == {
        "layout": "wide",
        "url": "http://wide",
        "format": "png",
        "width": 2,
        "height": 1,
        "pages": None,
        "bytes": 9,
        "sha256": "",
    }


def test_cursors_lead_back_to_their_index() -> None:
    assert [native.index_of(native.cursor(index)) for index in (1, 99, 10_000)] == [1, 99, 10_000]


@pytest.mark.parametrize(
    "text", ["x", "!!!", "5", "aW5kZXg6", "aW5kZXg6LTE", "aW5kZXg6OTk5OTk5OTk5OTk5", "é", "\ud7ff"]
)
def test_other_cursors_are_refused(text: str) -> None:
    with pytest.raises(PresslineError, match="cursor"):
        native.index_of(text)


def test_deliveries_show_every_attempt() -> None:
    attempts = [
        webhook_pb2.Attempt(
            start_time=Timestamp(seconds=1_700_000_000), error="refused", duration=Duration(nanos=5_000_000)
        ),
        webhook_pb2.Attempt(start_time=Timestamp(seconds=1_700_000_005), status_code=204),
    ]
    delivery = webhook_pb2.Delivery(
        id="d", event_id="evt", url="https://e.com", state=webhook_pb2.DELIVERY_STATE_DELIVERED, attempts=attempts
    )
    assert native.deliveries(webhook_pb2.ListDeliveriesResponse(deliveries=[delivery])) == {
        "data": [
            {
                "id": "d",
                "event_id": "evt",
                "url": "https://e.com",
                "state": "delivered",
                "next_at": None,
                "attempts": [
                    {"at": "2023-11-14T22:13:20Z", "status_code": None, "duration_ms": 5, "error": "refused"},
                    {"at": "2023-11-14T22:13:25Z", "status_code": 204, "duration_ms": 0, "error": None},
                ],
            }
        ],
        "next_cursor": None,
    }
