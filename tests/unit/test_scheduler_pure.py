"""Pure parts of the scheduler: pace, envelope, keys, checks, resolution."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidTag

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common import ids
from services.common.errors import PresslineError
from services.scheduler import asked, checks, envelope, keys, model
from services.scheduler.keys import Vault
from services.scheduler.model import Counts
from services.scheduler.pace import LEAST_AHEAD, Pace
from services.scheduler.resolve import Resolver, Template

PNG = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PNG)


class Ticks:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pace_allows_two_seconds_of_measured_work() -> None:
    clock = Ticks()
    pace = Pace(clock)
    assert pace.room(0) == LEAST_AHEAD
    for _ in range(500):
        pace.ended()
    assert pace.per_second == 50
    assert pace.room(0) == 100
    assert pace.room(70) == 30
    assert pace.room(200) == 0
    assert pace.is_enough(51)
    assert not pace.is_enough(50)
    clock.now = 11
    assert pace.room(0) == LEAST_AHEAD


def test_pictify_envelope() -> None:
    body = envelope.body(
        batch_pb2.DIALECT_PICTIFY, "batch_x", model.PARTIAL, Counts(3, succeeded=2, failed=1), 1_000, []
    )
    assert json.loads(body) == {
        "event": "batch.completed",
        "type": "batch.completed",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "data": {
            "batchId": "batch_x",
            "status": "partial",
            "totalCount": 3,
            "completedCount": 2,
            "failedCount": 1,
        },
    }


def test_native_envelope_carries_the_metadata_exactly() -> None:
    metadata = '{"order":9007199254740993,"note":"é"}'.encode()
    body = envelope.body(batch_pb2.DIALECT_NATIVE, "batch_x", model.FAILED, Counts(1, failed=1), 1_000, [], metadata)
    assert json.loads(body)["data"] == {
        "id": "batch_x",
        "status": "failed",
        "total": 1,
        "completed": 0,
        "failed": 1,
        "cancelled": 0,
        "metadata": {"order": 9007199254740993, "note": "é"},
    }
    assert metadata in body


def test_deckle_envelope_lists_generations_until_they_are_too_many() -> None:
    few = json.loads(
        envelope.body(
            batch_pb2.DIALECT_DECKLE,
            "batch_x",
            model.PARTIAL,
            Counts(2, succeeded=1, failed=1),
            0,
            [model.SUCCEEDED, model.FAILED],
        )
    )
    assert few["data"]["generations"] == [
        {"id": ids.item_id("batch_x", 0), "index": 0, "status": "completed"},
        {"id": ids.item_id("batch_x", 1), "index": 1, "status": "failed"},
    ]
    many = envelope.body(
        batch_pb2.DIALECT_DECKLE, "batch_x", model.COMPLETED, Counts(1000, 1000), 0, [model.SUCCEEDED] * 1000
    )
    assert "generations" not in json.loads(many)["data"]


def test_item_ids_sort_by_index_and_name_their_batch() -> None:
    batch_id = ids.new("batch")
    made = [ids.item_id(batch_id, index) for index in (0, 9, 10, 9_999)]
    assert made == sorted(made)
    assert {ids.batch_of(item) for item in made} == {batch_id}


def test_secrets_open_for_their_owner_only() -> None:
    vault = Vault(bytes(32))
    sealed = vault.encrypt(keys.new_webhook_secret(), "acme")
    assert vault.decrypt(sealed, "acme").startswith("whsec_")
    with pytest.raises(InvalidTag):
        vault.decrypt(sealed, "other")
    with pytest.raises(InvalidTag):
        Vault(bytes([1] * 32)).decrypt(sealed, "acme")


def test_key_hashes_depend_on_the_secret_key() -> None:
    key = keys.new_api_key()
    assert Vault(bytes(32)).hash_key(key) != Vault(bytes([1] * 32)).hash_key(key)
    assert key not in Vault(bytes(32)).hash_key(key)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"concurrency": -1}, "spec.concurrency"),
        ({"layouts": ["a"] * 2}, "spec.layouts"),
        ({"webhook_url": "ftp://example.com"}, "spec.webhook_url"),
        ({"webhook_url": "https://user@example.com"}, "spec.webhook_url"),
        ({"metadata_json": b"[]"}, "spec.metadata_json"),
        ({"metadata_json": b'{"a":"' + b"x" * 5000 + b'"}'}, "spec.metadata_json"),
        ({"idempotency": batch_pb2.IdempotencyKey()}, "spec.idempotency.key"),
        ({"source": batch_pb2.Source(react="")}, "items[0].source.react"),
        ({"source": batch_pb2.Source()}, "items[0].source"),
        ({"output": batch_pb2.OutputSpec()}, "items[0].output.format"),
    ],
)
def test_checks_name_the_field(change: dict[str, object], path: str) -> None:
    fields: dict[str, object] = {
        "dialect": batch_pb2.DIALECT_NATIVE,
        "source": batch_pb2.Source(template_id="tmpl_x"),
        "output": PNG,
    }
    spec = batch_pb2.BatchSpec(**{**fields, **change})  # type: ignore[arg-type]
    assert path in [violation.path for violation in checks.batch(spec, [batch_pb2.ItemSpec()])]


def test_a_sound_batch_has_no_violations() -> None:
    spec = batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_PICTIFY,
        source=batch_pb2.Source(template_id="tmpl_x"),
        output=PNG,
        layouts=["story"],
        webhook_url="https://example.com:8443/a?b=c",
        metadata_json=b'{"a": 1}',
    )
    assert checks.batch(spec, [batch_pb2.ItemSpec(data_json=b"{}")]) == []


@pytest.mark.parametrize("length", ["1e3px", "-1cm", "10%", "1em", "px"])
def test_lengths_are_checked(length: str) -> None:
    pdf = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PDF, pdf=batch_pb2.PdfOptions(margin_top=length))
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=batch_pb2.Source(html="x"), output=pdf)
    assert [violation.path for violation in checks.batch(spec, [batch_pb2.ItemSpec()])] == [
        "spec.output.pdf.margin_top"
    ]


def resolver(*layouts: str) -> Resolver:
    content = template_pb2.TemplateContent(
        html="<b>{{x}}</b>",
        width=800,
        height=400,
        layouts={"story": template_pb2.Layout(width=1080, height=1920)},
        missing=template_pb2.MISSING_POLICY_EMPTY,
    )
    return Resolver("acme", list(layouts), {"tmpl_x": Template("tmpl_x", 3, content)})


def test_each_layout_is_one_render_with_its_size() -> None:
    resolving = resolver("story")
    plan = resolving.plan(batch_pb2.Source(template_id="tmpl_x"), PNG, has_data=True, path="items[0]")
    (render,) = plan.renders
    assert (render.layout, render.output.image.width, render.output.image.height) == ("story", 1080, 1920)
    source = resolving.sources[render.source_id]
    assert source.kind == task_pb2.SourceDocument.KIND_HANDLEBARS_LENIENT
    assert source.body == "<b>{{x}}</b>"


def test_html_is_literal_without_data() -> None:
    resolving = resolver()
    kinds = [
        resolving.sources[
            resolving.plan(batch_pb2.Source(html="{{a}}"), PNG, has_data=has_data, path="items[0]").renders[0].source_id
        ].kind
        for has_data in (False, True)
    ]
    assert kinds == [task_pb2.SourceDocument.KIND_HTML, task_pb2.SourceDocument.KIND_HANDLEBARS_STRICT]


def tailwind_of(resolving: Resolver, source: batch_pb2.Source) -> tuple[str, bool]:
    (render,) = resolving.plan(source, PNG, has_data=True, path="items[0]").renders
    return render.source_id, resolving.sources[render.source_id].tailwind


def test_tailwind_is_asked_for_by_the_source_or_its_template() -> None:
    resolving = resolver()
    sources = [batch_pb2.Source(html="x"), batch_pb2.Source(react="x"), batch_pb2.Source(template_id="tmpl_x")]
    for source in sources:
        plain, without = tailwind_of(resolving, source)
        source.tailwind = True
        styled, with_it = tailwind_of(resolving, source)
        assert (without, with_it) == (False, True)
        assert plain != styled
    resolving.templates["tmpl_x"].content.tailwind = True
    again = Resolver("acme", [], resolving.templates)
    assert tailwind_of(again, batch_pb2.Source(template_id="tmpl_x")) == (styled, True)


@pytest.mark.parametrize(("template_id", "layout"), [("tmpl_other", ""), ("tmpl_x", "unknown")])
def test_unknown_templates_and_layouts_are_refused(template_id: str, layout: str) -> None:
    resolving = resolver(*([layout] if layout else []))
    with pytest.raises(PresslineError, match=r"no template has the id|has no layout"):
        resolving.plan(batch_pb2.Source(template_id=template_id), PNG, has_data=True, path="items[0]")


def test_a_retried_item_uses_tailwind_as_before() -> None:
    asked_for = batch_pb2.ItemSpec(source=batch_pb2.Source(react="text", styles="p{}", tailwind=True), data_json=b"{}")
    stored = {
        "asked": asked.item_kept(asked_for),
        "renders": [task_pb2.Render(source_id="src_1").SerializeToString()],
        "input_type": "react",
        "data": b"{}",
        "reference": "",
        "filename": "",
        "inline_data": False,
    }
    sources = {"src_1": task_pb2.SourceDocument(body="text")}
    assert asked.item_again(stored, sources) == asked_for
