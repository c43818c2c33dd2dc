"""Translation of the Deckle dialect."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.batch.v1 import batch_pb2
from services.gateway.models.deckle import GenerateBatchBody, GenerationBody
from services.gateway.translate import deckle


def spec_of(**item: object) -> batch_pb2.ItemSpec:
    return deckle.item_spec(GenerationBody.model_validate(item))


def test_the_batch_carries_only_the_webhook() -> None:
    body = GenerateBatchBody.model_validate({"items": [{"html": "x"}], "webhook": "https://e.com"})
    assert deckle.batch_spec(body) == batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE, webhook_url="https://e.com")


def test_a_template_item() -> None:
    spec = spec_of(template="tmpl_1", data={"total": 1500}, styles="p{}")
    assert spec.source == batch_pb2.Source(template_id="tmpl_1", styles="p{}")
    assert spec.data_json == b'{"total":1500}'
    assert (spec.inline_data, list(spec.warnings)) == (False, [])
    assert spec.output.format == batch_pb2.FORMAT_PDF


def test_tailwind_goes_with_every_source() -> None:
    for name, field in (("html", "html"), ("react", "react"), ("template", "template_id")):
        assert spec_of(**{name: "x"}, tailwind=True).source == batch_pb2.Source(**{field: "x"}, tailwind=True)


def test_html_without_data_has_none() -> None:
    assert spec_of(html="{{x}}").data_json == b""
    assert spec_of(html="{{x}}", data={}).data_json == b"{}"


def test_base64_is_returned_inline() -> None:
    assert spec_of(html="x", output="base64").inline_data


@pytest.mark.parametrize(
    ("given", "rendered", "warning"),
    [
        ({"template": "t", "html": "x"}, "template_id", "Only template was rendered; html"),
        ({"template": "t", "react": "r"}, "template_id", "Only template was rendered; react"),
        ({"template": "t", "react": "r", "html": "x"}, "template_id", "react and html"),
        ({"react": "r", "html": "x"}, "react", "Only react was rendered; html"),
    ],
)
def test_of_several_sources_the_first_wins_with_a_warning(given: dict[str, str], rendered: str, warning: str) -> None:
    spec = spec_of(**given)
    assert spec.source.WhichOneof("body") == rendered
    assert len(spec.warnings) == 1
    assert warning in spec.warnings[0]


def test_every_item_state_has_the_dialects_word() -> None:
    assert set(deckle.STATUSES) == set(batch_pb2.ItemState.values()) - {batch_pb2.ITEM_STATE_UNSPECIFIED}
    assert set(deckle.STATUSES.values()) == {"queued", "processing", "completed", "failed", "cancelled"}


def test_what_a_submit_answers() -> None:
    batch = batch_pb2.Batch(id="batch_1", counts=batch_pb2.ItemCounts(total=2))
    assert deckle.accepted(batch_pb2.CreateBatchResponse(batch=batch, item_ids=["gen_a", "gen_b"])) == {
        "batch_id": "batch_1",
        "total": 2,
        "generations": [{"id": "gen_a", "index": 0}, {"id": "gen_b", "index": 1}],
        "status": "queued",
    }


def test_a_finished_generation() -> None:
    output = batch_pb2.Output(url="http://f", format=batch_pb2.FORMAT_PDF, pages=2, size_bytes=99)
    item = batch_pb2.Item(
        id="gen_a",
        batch_id="batch_1",
        index=1,
        state=batch_pb2.ITEM_STATE_SUCCEEDED,
        outputs=[output],
        warnings=["w"],
        input_type="template",
        template_id="tmpl_1",
        duration_ms=12,
        create_time=Timestamp(seconds=1_700_000_000),
    )
    assert deckle.generation(item) == {
        "id": "gen_a",
        "batch_id": "batch_1",
        "index": 1,
        "input_type": "template",
        "template_id": "tmpl_1",
        "status": "completed",
        "url": "http://f",
        "data": None,
        "pages": 2,
        "file_size": 99,
        "generation_time_ms": 12,
        "error": None,
        "warnings": ["w"],
        "created_at": "2023-11-14T22:13:20Z",
    }


def test_inline_bytes_are_base64_and_have_no_url() -> None:
    item = batch_pb2.Item(state=batch_pb2.ITEM_STATE_SUCCEEDED, outputs=[batch_pb2.Output(pages=1)], data=b"%PDF")
    generation = deckle.generation(item)
    assert (generation["data"], generation["url"]) == ("JVBERg==", None)


def test_a_failed_generation_has_code_and_message() -> None:
    error = batch_pb2.ItemError(code="TIMEOUT", message="too slow")
    generation = deckle.generation(batch_pb2.Item(state=batch_pb2.ITEM_STATE_FAILED, errors=[error]))
    assert generation["error"] == {"code": "TIMEOUT", "message": "too slow"}
    assert (generation["status"], generation["url"], generation["pages"]) == ("failed", None, None)
