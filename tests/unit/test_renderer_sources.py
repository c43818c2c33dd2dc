"""Sources are read once and kept within bounds."""

from __future__ import annotations

import asyncio

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.sources import Sources


class Shelf:
    def __init__(self) -> None:
        self.reads: list[str] = []
        self.broken = False

    async def read(self, source_id: str) -> SourceDocument:
        self.reads.append(source_id)
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("away")
        return SourceDocument(id=source_id, body="x" * 100)


async def test_a_source_is_read_once() -> None:
    shelf = Shelf()
    sources = Sources(shelf.read)
    first, second = await asyncio.gather(sources.get("a"), sources.get("a"))
    assert first.body == second.body == (await sources.get("a")).body
    assert shelf.reads == ["a"]


async def test_the_least_recently_used_is_dropped() -> None:
    shelf = Shelf()
    sources = Sources(shelf.read, max_bytes=250)
    for name in ("a", "b", "a", "c", "a", "b"):
        await sources.get(name)
    assert shelf.reads == ["a", "b", "c", "b"]


async def test_a_source_larger_than_the_bound_is_not_kept() -> None:
    shelf = Shelf()
    sources = Sources(shelf.read, max_bytes=50)
    await sources.get("a")
    await sources.get("a")
    assert shelf.reads == ["a", "a"]


async def test_a_failed_read_is_tried_again() -> None:
    shelf = Shelf()
    shelf.broken = True
    sources = Sources(shelf.read)
    with pytest.raises(OSError, match="away"):
        await sources.get("a")
    shelf.broken = False
    assert (await sources.get("a")).id == "a"


async def test_a_caller_that_gives_up_does_not_fail_the_others() -> None:
    shelf = Shelf()
    sources = Sources(shelf.read)
    hasty = asyncio.create_task(sources.get("a"))
    patient = asyncio.create_task(sources.get("a"))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await patient).id == "a"
    assert shelf.reads == ["a"]
