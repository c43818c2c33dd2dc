"""The items of all of an account's batches."""

from __future__ import annotations

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import listing
from tests.support.scheduler import Client, ReportingRenderer
from tests.support.servers import UrlServer

FAILED, SUCCEEDED = batch_pb2.ITEM_STATE_FAILED, batch_pb2.ITEM_STATE_SUCCEEDED
PENDING = batch_pb2.ITEM_STATE_PENDING


async def page(client: Client, **fields: object) -> batch_pb2.ListAccountItemsResponse:
    request = batch_pb2.ListAccountItemsRequest(**fields)  # type: ignore[arg-type]
    return await client.batches.ListAccountItems(request, metadata=client.auth)


async def all_pages(client: Client, size: int, **fields: object) -> list[list[str]]:
    """The items' ids, by page."""
    pages, token = [], ""
    while True:
        listed = await page(client, page_size=size, page_token=token, **fields)
        pages.append([item.id for item in listed.items])
        token = listed.next_page_token
        if not token:
            return pages


async def refusal_of(client: Client, **fields: object) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await page(client, **fields)
    return from_rpc_error(caught.value)


async def fail_first(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
    first = task.lease.item_id.endswith("00000")
    return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")] if first else []


async def test_newer_batches_first_and_single_renders_among_them(client: Client) -> None:
    stranger = await client.as_account("acme2")
    made = [await client.submit(3), await client.submit(1, single=True), await client.submit(2)]
    await stranger.submit(2)
    wanted = [item_id for created in reversed(made) for item_id in created.item_ids]
    assert await all_pages(client, 100) == [wanted]
    assert await all_pages(client, 2) == [wanted[:2], wanted[2:4], wanted[4:]]
    assert await all_pages(client, 6) == [wanted]
    assert [item_id for (item_id,) in await all_pages(client, 1)] == wanted
    (newest,) = (await page(client, page_size=1)).items
    assert (newest.batch_id, newest.index, newest.input_type) == (made[2].batch.id, 0, "html")


async def test_filters(client: Client, nats_server: UrlServer) -> None:
    content = template_pb2.TemplateContent(name="card", html="<p>{{name}}</p>")
    async with ReportingRenderer(client, nats_server.url, fail_first).running():
        request = template_pb2.CreateTemplateRequest(content=content)
        template = await client.templates.CreateTemplate(request, metadata=client.auth)
        plain = await client.submit(3)
        filled = await client.submit(3, source=batch_pb2.Source(template_id=template.id))
        for created in (plain, filled):
            await client.until_ended(created.batch.id)
    open_ones = await client.submit(2)
    assert await all_pages(client, 9, states=[FAILED]) == [[filled.item_ids[0], plain.item_ids[0]]]
    assert await all_pages(client, 1, states=[FAILED]) == [[filled.item_ids[0]], [plain.item_ids[0]]]
    assert await all_pages(client, 9, template_id=template.id) == [list(filled.item_ids)]
    assert await all_pages(client, 9, template_id=template.id, states=[SUCCEEDED]) == [list(filled.item_ids[1:])]
    assert await all_pages(client, 2, batch_id=plain.batch.id) == [list(plain.item_ids[:2]), [plain.item_ids[2]]]
    waiting = [PENDING, batch_pb2.ITEM_STATE_DISPATCHED]
    assert await all_pages(client, 9, states=waiting) == [list(open_ones.item_ids)]
    assert await all_pages(client, 9, template_id="tmpl_unknown") == [[]]


async def test_what_is_wrong_with_a_request_is_named(client: Client) -> None:
    created = await client.submit(1)
    token = (await page(client, page_size=1, batch_id=(await client.submit(2)).batch.id)).next_page_token
    for fields, path in (
        ({"page_size": 1_001}, "page_size"),
        ({"page_token": "nonsense"}, "page_token"),
        ({"page_token": token, "batch_id": created.batch.id}, "page_token"),
        ({"states": [0]}, "states"),
        ({"states": [99]}, "states"),
        ({"read_mask": {"paths": ["colour"]}}, "read_mask"),
    ):
        error = await refusal_of(client, **fields)
        assert (error.reason, [each.path for each in error.violations]) == (Reason.VALIDATION_ERROR, [path])
    stranger = await client.as_account("stranger")
    assert (await refusal_of(stranger, batch_id=created.batch.id)).reason is Reason.NOT_FOUND


async def test_deleted_batches_are_not_there(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        made = [(await client.submit(2)) for _ in range(3)]
        for created in made:
            await client.until_ended(created.batch.id)
    first = await page(client, page_size=3)
    # The batch that the next page begins in goes while nobody looks.
    await client.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=made[1].batch.id), metadata=client.auth)
    rest = await page(client, page_token=first.next_page_token)
    assert [item.id for item in rest.items] == list(made[0].item_ids)
    assert await all_pages(client, 10) == [[*made[2].item_ids, *made[0].item_ids]]
    assert (await refusal_of(client, batch_id=made[1].batch.id)).reason is Reason.GONE


async def test_a_call_looks_at_so_much_and_the_next_goes_on(
    client: Client, nats_server: UrlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ReportingRenderer(client, nats_server.url, fail_first).running():
        old = await client.submit(1)
        await client.until_ended(old.batch.id)
    for _ in range(4):
        await client.submit(3)
    monkeypatch.setattr(listing, "ITEMS_AT_ONCE", 2)
    monkeypatch.setattr(listing, "MOST_ITEMS", 4)
    monkeypatch.setattr(listing, "BATCHES_AT_ONCE", 1)
    monkeypatch.setattr(listing, "MOST_BATCHES", 2)
    pages = await all_pages(client, 5, states=[FAILED])
    assert [item_id for some in pages for item_id in some] == [old.item_ids[0]]
    assert len(pages) > 2


async def test_a_mask_leaves_the_addresses_out(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        created = await client.submit(1)
        await client.until_ended(created.batch.id)
    (whole,) = (await page(client)).items
    assert whole.outputs[0].url
    (narrow,) = (await page(client, read_mask={"paths": ["id", "outputs.format"]})).items
    assert narrow == batch_pb2.Item(id=whole.id, outputs=[batch_pb2.Output(format=batch_pb2.FORMAT_PNG)])
