"""Translation of the Pictify dialect."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from pressline.batch.v1 import batch_pb2
from services.gateway.models.pictify import BatchRenderBody
from services.gateway.translate import pictify
from services.gateway.translate.values import BATCH_STATES

TIME = Timestamp(seconds=1_700_000_000)


def body(**fields: object) -> BatchRenderBody:
    return BatchRenderBody.model_validate({"variableSets": [{"name": "Ada"}], **fields})


def test_the_defaults_of_the_dialect() -> None:
    spec = pictify.batch_spec("tmpl_1", body())
    assert spec == batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_PICTIFY,
        source=batch_pb2.Source(template_id="tmpl_1"),
        output=batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PNG, image=batch_pb2.ImageOptions(quality=0.9)),
        concurrency=5,
    )


def test_every_option_is_passed_on() -> None:
    spec = pictify.batch_spec(
        "tmpl_1", body(format="jpeg", quality=0.5, layout="square", concurrency=10, webhookUrl="https://e.com/h")
    )
    assert spec.output.format == batch_pb2.FORMAT_JPEG
    assert spec.output.image.quality == 0.5
    assert list(spec.layouts) == ["square"]
    assert (spec.concurrency, spec.webhook_url) == (10, "https://e.com/h")


def test_several_layouts_keep_their_order() -> None:
    assert list(pictify.batch_spec("t", body(layouts=["b", "a"])).layouts) == ["b", "a"]


def test_rows_become_items_in_order() -> None:
    rows = body(variableSets=[{"n": 9007199254740993}, {}])
    assert [item.data_json for item in pictify.item_specs(rows)] == [b'{"n":9007199254740993}', b"{}"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "//example.com",
        "https://",
        "https://user:secret@example.com/",
        "https://exa mple.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/" + "a" * 2048,
        "",
    ],
)
def test_a_webhook_url_is_an_http_address(url: str) -> None:
    with pytest.raises(ValidationError):
        body(webhookUrl=url)


def test_a_webhook_url_of_2048_characters_is_accepted() -> None:
    url = "https://example.com/".ljust(2048, "a")
    assert body(webhookUrl=url).webhook_url == url


def test_what_a_submit_answers() -> None:
    batch = batch_pb2.Batch(id="batch_1", state=batch_pb2.BATCH_STATE_PENDING, counts=batch_pb2.ItemCounts(total=1))
    assert pictify.accepted(batch_pb2.CreateBatchResponse(batch=batch)) == {
        "batchId": "batch_1",
        "status": "pending",
        "totalItems": 1,
        "message": "1 item accepted for rendering.",
    }


def test_every_state_has_the_dialects_word() -> None:
    words = {"pending", "processing", "completed", "partial", "failed", "cancelled"}
    assert set(BATCH_STATES.values()) == words
    assert set(BATCH_STATES) == set(batch_pb2.BatchState.values()) - {batch_pb2.BATCH_STATE_UNSPECIFIED}


def test_a_result_without_layouts() -> None:
    output = batch_pb2.Output(url="http://f", format=batch_pb2.FORMAT_PNG, width=3, height=2, size_bytes=9)
    item = batch_pb2.Item(index=4, state=batch_pb2.ITEM_STATE_SUCCEEDED, format=batch_pb2.FORMAT_PNG, outputs=[output])
    assert pictify.result(item, None) == {
        "success": True,
        "url": "http://f",
        "width": 3,
        "height": 2,
        "format": "png",
        "bytes": 9,
        "error": None,
    }


def test_a_failed_result_says_why() -> None:
    error = batch_pb2.ItemError(code="TEMPLATE_ERROR", message="name is missing")
    item = batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, format=batch_pb2.FORMAT_WEBP, errors=[error])
    result = pictify.result(item, None)
    assert (result["success"], result["url"], result["format"]) == (False, None, "webp")
    assert result["error"] == "name is missing"


def test_a_cancelled_result_says_so() -> None:
    assert "cancelled" in pictify.result(batch_pb2.Item(state=batch_pb2.ITEM_STATE_CANCELLED), None)["error"]


def test_a_result_with_layouts_holds_files_and_errors_by_layout() -> None:
    output = batch_pb2.Output(layout="a", url="http://f", format=batch_pb2.FORMAT_PNG, width=3, height=2)
    error = batch_pb2.ItemError(layout="b", message="broken")
    item = batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, outputs=[output], errors=[error])
    result = pictify.result(item, ["a", "b"])
    assert result["results"] == [{"layout": "a", "url": "http://f", "width": 3, "height": 2, "format": "png"}]
    assert result["errors"] == [{"layout": "b", "error": "broken"}]
    assert result["success"] is False


def test_one_layout_by_name_is_no_list() -> None:
    output = batch_pb2.Output(layout="a", url="http://f", format=batch_pb2.FORMAT_PNG)
    item = batch_pb2.Item(state=batch_pb2.ITEM_STATE_SUCCEEDED, outputs=[output])
    assert "results" not in pictify.result(item, None)
    assert not pictify.batch_spec("t", body(layout="a")).layout_list
    assert pictify.batch_spec("t", body(layouts=["a"])).layout_list
    assert not pictify.batch_spec("t", body(layouts=[])).layout_list


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, errors=[batch_pb2.ItemError(message="crashed")]), "crashed"),
        (
            batch_pb2.Item(state=batch_pb2.ITEM_STATE_CANCELLED),
            "The batch was cancelled before this item was rendered.",
        ),
    ],
)
def test_what_fails_a_row_fails_each_of_its_layouts(item: batch_pb2.Item, reason: str) -> None:
    batch = batch_pb2.Batch(layouts=["a", "b"], layout_list=True, state=batch_pb2.BATCH_STATE_FAILED)
    page = pictify.results(batch, batch_pb2.ListItemsResponse(items=[item]), page=1, limit=100)
    (result,) = page["results"]
    assert (result["index"], result["error"], result["results"]) == (0, reason, [])
    assert result["errors"] == [{"layout": "a", "error": reason}, {"layout": "b", "error": reason}]


def test_a_row_that_waits_has_no_errors_yet() -> None:
    waiting = pictify.result(batch_pb2.Item(state=batch_pb2.ITEM_STATE_RENDERING), ["a"])
    assert (waiting["results"], waiting["errors"], waiting["error"]) == ([], [], None)


def test_a_page_of_results() -> None:
    counts = batch_pb2.ItemCounts(total=300, succeeded=200, failed=1, cancelled=2)
    batch = batch_pb2.Batch(id="b", state=batch_pb2.BATCH_STATE_PROCESSING, counts=counts, create_time=TIME)
    page = pictify.results(batch, batch_pb2.ListItemsResponse(total=203), page=2, limit=100)
    assert page == {
        "batchId": "b",
        "status": "processing",
        "progress": 67,
        "totalItems": 300,
        "completedItems": 200,
        "failedItems": 1,
        "createdAt": "2023-11-14T22:13:20Z",
        "startedAt": None,
        "completedAt": None,
        "results": [],
        "pagination": {"page": 2, "limit": 100, "total": 203, "totalPages": 3, "hasMore": True},
    }


def test_what_a_cancel_answers() -> None:
    counts = batch_pb2.ItemCounts(total=5, succeeded=2, cancelled=3)
    answer = pictify.cancelled(batch_pb2.Batch(id="b", state=batch_pb2.BATCH_STATE_CANCELLED, counts=counts))
    assert {key: answer[key] for key in ("batchId", "status", "completedCount", "cancelledCount")} == {
        "batchId": "b",
        "status": "cancelled",
        "completedCount": 2,
        "cancelledCount": 3,
    }
    assert set(answer) == {"batchId", "status", "message", "completedCount", "cancelledCount"}
