"""Archives: what they ask of a MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.scheduler.store.archives import COMPLETED, FAILED, PROCESSING, QUEUED, ArchiveFence, Archives
from services.scheduler.stores import Stores

NOW = 1_000_000
ID = "arc_x_zip"
BATCH = {"_id": "batch_x", "account_id": "acme"}


@pytest.fixture
def archives(stores: Stores) -> Archives:
    return stores.archives


def lease(token: str, until: int = NOW + 10) -> dict[str, Any]:
    return {"token": token, "worker": "w", "lease_ms": until}


async def read(archives: Archives) -> dict[str, Any]:
    found = await archives.get(ID)
    assert found is not None
    return found


async def test_of_many_who_ask_one_begins_and_of_many_who_claim_one_gets_it(archives: Archives) -> None:
    begun = await asyncio.gather(*(archives.insert(ID, BATCH, "zip", 3, NOW) for _ in range(10)))
    assert sum(begun) == 1
    assert [archive["_id"] for archive in await archives.all_open(10)] == [ID]
    assert (await archives.open_of("acme", 5), await archives.open_of("other", 5)) == (1, 0)
    claims = await asyncio.gather(*(archives.claim(ID, lease(f"t{n}")) for n in range(10)))
    (won,) = [claim for claim in claims if claim]
    assert (won["state"], won["attempt"], won["tries"], won["crashes"]) == (PROCESSING, 1, 1, 0)


async def test_only_the_lease_that_lasts_may_write(archives: Archives) -> None:
    await archives.insert(ID, BATCH, "zip", 3, NOW)
    await archives.claim(ID, lease("one"))
    first, second = ArchiveFence(ID, 1, "one"), ArchiveFence(ID, 2, "two")
    assert await archives.extend(first, NOW + 20)
    assert not await archives.extend(ArchiveFence(ID, 1, "guess"), NOW + 20)
    assert await archives.take_over(await read(archives), NOW + 20, lease("two")) is None
    taken = await archives.take_over(await read(archives), NOW + 21, lease("two"))
    assert taken is not None
    assert (taken["attempt"], taken["crashes"]) == (2, 1)
    assert await archives.holds(first) is None
    assert await archives.holds(second) is not None
    assert not await archives.end(first, COMPLETED, {"sha256": "old"})
    assert await archives.hand_back(first, NOW, "late", crashed=True) is None
    assert await archives.end(second, COMPLETED, {"sha256": "new"})
    assert not await archives.end(second, FAILED, {})
    ended = await read(archives)
    assert (ended["state"], ended["sha256"], ended["token"], "open" in ended) == (COMPLETED, "new", "two", False)
    assert await archives.all_open(10) == []


async def test_what_is_handed_back_waits_again(archives: Archives) -> None:
    await archives.insert(ID, BATCH, "zip", 3, NOW)
    await archives.claim(ID, lease("one"))
    back = await archives.hand_back(ArchiveFence(ID, 1, "one"), NOW + 5, "tired", crashed=True)
    assert back is not None
    assert (back["state"], back["crashes"], back["reason"], back["rung_ms"]) == (QUEUED, 1, "tired", NOW + 5)
    rung = await asyncio.gather(*(archives.ring_again(back, NOW + 9) for _ in range(5)))
    assert [archive["rings"] for archive in rung if archive] == [1]
    again = await archives.claim(ID, lease("two"))
    assert again is not None
    assert (again["attempt"], again["tries"]) == (2, 2)


async def test_a_failed_one_is_begun_anew_once_and_numbers_go_on(archives: Archives) -> None:
    await archives.insert(ID, BATCH, "zip", 3, NOW)
    queued = await read(archives)
    assert not await archives.start_over(queued, NOW)
    assert await archives.fail_unclaimed(queued, {"error_code": "X", "error_message": "y"})
    assert not await archives.fail_unclaimed(queued, {"error_code": "X", "error_message": "z"})
    failed = await read(archives)
    assert (failed["state"], failed["error_message"]) == (FAILED, "y")
    assert sum(await asyncio.gather(*(archives.start_over(failed, NOW + 7) for _ in range(5)))) == 1
    anew = await read(archives)
    assert (anew["state"], anew["tries"], anew["created_ms"], "error_code" in anew) == (QUEUED, 0, NOW + 7, False)


async def test_archives_go_with_their_batch_alone(archives: Archives) -> None:
    await archives.insert(ID, BATCH, "zip", 3, NOW)
    await archives.insert("arc_x_pdf", BATCH, "pdf", 3, NOW)
    await archives.insert("arc_y_zip", {"_id": "batch_y", "account_id": "acme"}, "zip", 3, NOW)
    await archives.delete_of("batch_x")
    assert [archive["_id"] for archive in await archives.all_open(10)] == ["arc_y_zip"]
