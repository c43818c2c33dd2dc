"""The SDK beside its batches: single renders, templates, lists, retries, keys, subscriptions and events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pressline_client import Client, ConflictError, Egress, ForbiddenError, NotFoundError, ValidationError
from tests.support.stack import Stack

CARD = "<p>{{name}}</p>"


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.api, stack.key(account="tests-client")) as connected:
        yield connected


def test_a_pdf_that_is_waited_for(client: Client) -> None:
    made = client.generations.create(html=CARD, data={"name": "Ada"}, options={"format": "A4"}, timeout=60)
    assert (made.status, made.pages) == ("completed", 1)
    inline = client.generations.create(html="<p>x</p>", output="base64")
    assert (inline.content or b"").startswith(b"%PDF-")
    failed = client.generations.create(html=CARD, data={})
    assert (failed.status, failed.error and failed.error.code) == ("failed", "TEMPLATE_ERROR")
    newest = next(client.generations.list(status="failed"))
    assert (newest.id, newest.input_type) == (failed.id, "html")
    assert client.generations.get(made.id).url == made.url
    with pytest.raises(ValidationError) as refused:
        client.generations.create()
    assert refused.value.fields


def test_templates_and_images_of_them(client: Client) -> None:
    template = client.templates.create(CARD, name="card", width=80, height=40, layouts={"big": {"width": 160}})
    assert [variable.name for variable in client.templates.get(template.id).variables or ()] == ["name"]
    image = client.templates.render(template.id, {"name": "Ada"}, format="webp", timeout=60)
    assert (image.success, image.format, image.width) == (True, "webp", 80)
    several = client.templates.render(template.id, {"name": "Ada"}, layouts=["big"])
    assert [(file.layout, file.width) for file in several.results] == [("big", 160)]
    assert client.templates.render(template.id, {}).error
    assert client.templates.update(template.id, "<b>x</b>", name="card").version == 2
    assert client.templates.get(template.id, version=1).html == CARD
    assert template.id in {listed.id for listed in client.templates.list()}
    client.templates.delete(template.id)
    with pytest.raises(NotFoundError):
        client.templates.get(template.id)
    # This route answers with problem details, which become the same errors.
    with pytest.raises(NotFoundError) as refused:
        client.templates.render(template.id)
    assert (refused.value.code, bool(refused.value.request_id)) == ("NOT_FOUND", True)


def test_batches_are_listed_tried_again_and_deleted(client: Client) -> None:
    output = {"format": "png", "width": 40, "height": 30}
    batch = client.batches.create(
        [{"data": {"name": "Ada"}}, {"data": {}}], defaults={"html": CARD, "output": output}, metadata={"run": 1}
    )
    assert client.batches.wait(batch.id, timeout=120).status == "partial"
    again = client.batches.retry(batch.id, metadata=None)
    assert (again.retry_of, again.total, again.metadata) == (batch.id, 1, None)
    assert client.batches.wait(again.id, timeout=120).status == "failed"
    assert client.batches.get(batch.id).retried_by == [again.id]
    (item,) = client.batches.items(again.id)
    assert item.retry_of == list(client.batches.items(batch.id))[1].id
    assert [listed.id for listed in client.batches.list()][:2] == [again.id, batch.id]
    assert batch.id in {listed.id for listed in client.batches.list(status="partial")}
    client.batches.delete(again.id)
    client.batches.delete(again.id)
    with pytest.raises(NotFoundError):
        client.batches.get(again.id)
    with pytest.raises(ConflictError, match="cancelled"):
        client.batches.retry(batch.id, statuses=["cancelled"], template_version="latest")
    assert any(event.data.get("batch_id") == batch.id or batch.id in str(event.data) for event in client.events.list())
    newest = list(client.events.list())[-1].sequence
    assert list(client.events.list(after=newest)) == []


def test_keys_from_making_to_revoking(stack: Stack, client: Client) -> None:
    made = client.keys.create("ci", scopes=["read"])
    assert made.key not in repr(made)
    with Client(stack.api, made.key) as reader:
        assert reader.usage().account_id == "tests-client"
        with pytest.raises(ForbiddenError):
            list(reader.keys.list())
    rotated = client.keys.rotate(made.id, grace_seconds=0)
    assert rotated.scopes == ["read"]
    assert rotated.id in {key.id for key in client.keys.list()}
    client.keys.revoke(rotated.id)
    assert not {made.id, rotated.id} & {key.id for key in client.keys.list()}


def test_the_egress_policy(client: Client) -> None:
    assert client.egress().mode == "public"
    assert client.set_egress("allowlist", ["CDN.example.com"]).hosts == ["cdn.example.com"]
    assert client.egress() == Egress(mode="allowlist", hosts=["cdn.example.com"])
    with pytest.raises(ValidationError) as caught:
        client.set_egress("allowlist", ["https://cdn.example.com"])
    assert [each.path for each in caught.value.fields] == ["hosts[0]"]
    assert client.set_egress("public") == Egress(mode="public", hosts=[])


def test_subscriptions(client: Client) -> None:
    made = client.subscriptions.create("https://example.com/hook")
    assert (made.secret or "").startswith("whsec_")
    (listed,) = client.subscriptions.list()
    assert (listed.id, listed.secret, listed.active) == (made.id, None, True)
    client.subscriptions.delete(made.id)
    assert list(client.subscriptions.list()) == []
    with pytest.raises(ValidationError) as refused:
        client.subscriptions.create("ftp://x")
    assert [field.path for field in refused.value.fields] == ["url"]
