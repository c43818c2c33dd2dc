"""Templates, sources and inspections on a MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from typing import Any

from pressline.task.v1 import task_pb2
from pressline.template.v1.template_pb2 import Inspection, Variable
from services.common import ids
from services.scheduler.store.inspections import KEPT_MS
from services.scheduler.store.templates import source_id
from services.scheduler.stores import Stores
from tests.support.store_documents import NOW


def template_fields(content: bytes) -> dict[str, Any]:
    return {"content": content, "outline": content[:1], "paths": ["html"], "source_ids": [content.hex()]}


async def test_versions_of_a_template_are_kept_in_order_and_go_with_it(stores: Stores) -> None:
    template_id = ids.new("tmpl")
    first = await stores.templates.insert(template_id, "acme", template_fields(b"one\xff"), NOW)
    assert await stores.templates.insert(template_id, "acme", template_fields(b"again"), NOW + 1) == first
    assert await stores.templates.newest("acme", 0, 2) == [{key: first[key] for key in first if key != "content"}]
    writes = (stores.templates.replace("acme", template_id, template_fields(b"new %d" % i), NOW + i) for i in range(5))
    changed = [each for each in await asyncio.gather(*writes) if each is not None]
    assert sorted(each["version"] for each in changed) == [2, 3, 4, 5, 6]
    assert await stores.templates.get_version("acme", template_id, 1) == first
    for each in changed:
        assert await stores.templates.get_version("acme", template_id, each["version"]) == each
    assert await stores.templates.get_version("acme", template_id, 7) is None
    assert await stores.templates.get_version("other", template_id, 1) is None
    assert await stores.templates.replace("other", template_id, template_fields(b"theirs"), NOW) is None
    assert await stores.templates.delete("acme", template_id)
    assert await stores.templates.get_version("acme", template_id, 1) is None


async def test_the_first_inspection_of_a_source_stands_until_nobody_reads_it(stores: Stores) -> None:
    seen, late = Inspection(variables=[Variable(name="x")]), Inspection(error="late")
    for found in (seen, late):
        await stores.inspections.put("src_a", found, NOW)
    await stores.inspections.put("src_b", late, NOW)
    assert await stores.inspections.get_many(["src_a", "src_b", "src_c"], NOW) == {"src_a": seen, "src_b": late}
    assert await stores.inspections.get_many(["src_a"], NOW + KEPT_MS - 1) == {"src_a": seen}
    await stores.inspections.forget(NOW + KEPT_MS + 1)
    assert await stores.inspections.get_many(["src_a", "src_b"], NOW + KEPT_MS + 1) == {"src_a": seen}


async def test_templates_belong_to_an_account_and_count_versions(stores: Stores) -> None:
    await stores.templates.insert("tmpl_a", "acme", template_fields(b"one"), NOW)
    await stores.templates.insert("tmpl_b", "acme", template_fields(b"two"), NOW + 1)
    assert await stores.templates.get("other", "tmpl_a") is None
    assert await stores.templates.replace("other", "tmpl_a", template_fields(b"x"), NOW) is None
    changed = await stores.templates.replace("acme", "tmpl_a", template_fields(b"three"), NOW + 2)
    assert changed is not None
    assert (changed["version"], changed["content"]) == (2, b"three")
    assert [one["_id"] for one in await stores.templates.newest("acme", 0, 10)] == ["tmpl_b", "tmpl_a"]
    assert not await stores.templates.delete("other", "tmpl_a")
    assert await stores.templates.delete("acme", "tmpl_a")
    assert not await stores.templates.delete("acme", "tmpl_a")


async def test_sources_are_named_by_content_and_account(stores: Stores) -> None:
    source = task_pb2.SourceDocument(kind=task_pb2.SourceDocument.KIND_HTML, body="x" * 5_000_000)
    source.id = source_id("acme", source)
    assert source.id != source_id("other", source)
    for _ in range(2):
        await stores.sources.put("acme", {source.id: source}, NOW)
    assert await stores.sources.get(source.id) == source
    assert await stores.sources.get("src_unknown") is None


async def test_sources_live_as_long_as_the_last_batch_that_needs_them(stores: Stores) -> None:
    source = task_pb2.SourceDocument(id="src_x", kind=task_pb2.SourceDocument.KIND_HTML, body="x")
    for until in (NOW + 5, NOW + 9, NOW + 7):
        await stores.sources.put("acme", {"src_x": source}, until)
    await stores.sources.forget(NOW + 9, 10)
    assert await stores.sources.get("src_x") == source
    await stores.sources.forget(NOW + 10, 10)
    assert await stores.sources.get("src_x") is None


async def test_of_several_sources_some_may_be_there_already(stores: Stores) -> None:
    sources = {
        f"src_{i}": task_pb2.SourceDocument(id=f"src_{i}", kind=task_pb2.SourceDocument.KIND_HTML, body="x" * i)
        for i in range(4)
    }
    await stores.sources.put("acme", {name: sources[name] for name in ("src_1", "src_3")}, NOW + 5)
    await stores.sources.put("acme", sources, NOW + 9)
    await stores.sources.put("acme", {}, NOW + 9)
    await stores.sources.forget(NOW + 9, 10)
    assert await stores.sources.get_many(list(sources)) == sources
