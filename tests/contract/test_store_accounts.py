"""Accounts, keys, signing secrets and the audit log on a MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from typing import Any

from services.scheduler.stores import Stores

NOW = 1_000_000


def key(number: int, account_id: str = "acme", **fields: Any) -> dict[str, Any]:
    return {
        "_id": f"hash-{account_id}-{number}",
        "key_id": f"key_{number}",
        "account_id": account_id,
        "scopes": ["read"],
        "created_ms": NOW + number,
        "used_ms": 0,
        **fields,
    }


async def test_a_key_is_found_by_its_hash_and_by_its_owner(stores: Stores) -> None:
    for each in (key(1), key(2), key(1, "other")):
        await stores.keys.insert(each)
    assert await stores.keys.by_hash("hash-acme-1") == key(1)
    assert await stores.keys.by_hash("hash-acme-3") is None
    assert await stores.keys.get("other", "key_1") == key(1, "other")
    assert await stores.keys.get("other", "key_2") is None
    assert await stores.keys.of_account("acme") == [key(2), key(1)]
    assert not await stores.keys.delete("other", "key_2")
    assert await stores.keys.delete("acme", "key_2")
    assert await stores.keys.by_hash("hash-acme-2") is None


async def test_a_use_is_written_when_the_last_one_is_long_enough_ago(stores: Stores) -> None:
    await stores.keys.insert(key(1))
    for now in (NOW, NOW + 59_999, NOW + 60_001):
        await stores.keys.used("hash-acme-1", now, now - 60_000)
        found = await stores.keys.by_hash("hash-acme-1")
        assert found is not None
        assert found["used_ms"] == (NOW + 60_001 if now > NOW + 60_000 else NOW)


async def test_a_key_is_replaced_once(stores: Stores) -> None:
    await stores.keys.insert(key(1))
    replaced = await asyncio.gather(*(stores.keys.replaced("acme", "key_1", f"key_{i}", NOW + i) for i in range(2, 8)))
    assert sum(replaced) == 1
    found = await stores.keys.get("acme", "key_1")
    assert found is not None
    winner = 2 + replaced.index(True)
    assert (found["replaced_by"], found["expires_ms"]) == (f"key_{winner}", NOW + winner)


async def test_keys_that_have_ended_are_forgotten_and_endless_ones_are_not(stores: Stores) -> None:
    for each in (key(1, expires_ms=NOW - 1), key(2, expires_ms=NOW), key(3)):
        await stores.keys.insert(each)
    await stores.keys.forget_expired(NOW)
    assert [each["key_id"] for each in await stores.keys.of_account("acme")] == ["key_3", "key_2"]


async def test_a_secret_is_rotated_by_one_of_many(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "free", b"\x00first\xff", NOW)
    seen = await stores.accounts.get("acme")
    assert seen is not None
    changes = [
        {"webhook_secret": bytes([i]), "old_secrets": [seen["webhook_secret"]], "old_until_ms": [NOW]} for i in range(6)
    ]
    rotated = await asyncio.gather(*(stores.accounts.rotate_secret(seen, change) for change in changes))
    assert sum(rotated) == 1
    found = await stores.accounts.get("acme")
    assert found is not None
    assert found == {**seen, **changes[rotated.index(True)], "secret_version": 2}
    assert found["old_secrets"] == [b"\x00first\xff"]


async def test_a_plan_changes_and_nothing_else(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "free", b"s", NOW)
    before = await stores.accounts.get("acme")
    assert before is not None
    await stores.accounts.ensure("acme", "pro", b"another", NOW + 1)
    assert await stores.accounts.get("acme") == {**before, "plan": "pro"}


async def test_the_audit_log_is_read_backwards_and_written_once(stores: Stores) -> None:
    for number in range(5):
        event = {"_id": f"aud_{number}", "account_id": "acme", "order": f"{number:014d}a", "at_ms": NOW + number}
        await stores.audit.insert(event)
        await stores.audit.insert({**event, "at_ms": 0})
    await stores.audit.insert({"_id": "aud_other", "account_id": "other", "order": "9", "at_ms": NOW})
    first = await stores.audit.newest("acme", "", 2)
    rest = await stores.audit.newest("acme", first[-1]["order"], 10)
    assert [event["_id"] for event in [*first, *rest]] == ["aud_4", "aud_3", "aud_2", "aud_1", "aud_0"]
    await stores.audit.forget(NOW + 2)
    assert [event["_id"] for event in await stores.audit.newest("acme", "", 10)] == ["aud_4", "aud_3", "aud_2"]
    assert await stores.audit.newest("other", "", 10) == []


async def test_places_are_a_set_with_a_limit(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "pro", b"secret", NOW)
    wanted = [f"batch_{i}" for i in range(5)] * 2
    taken = await asyncio.gather(*(stores.accounts.take_place("acme", one, 3) for one in wanted))
    assert sum(taken) == 3
    account = await stores.accounts.get("acme")
    assert account is not None
    assert len(set(account["running"])) == account["running_count"] == 3
    for _ in range(2):
        await stores.accounts.leave_place("acme", account["running"][0])
    after = await stores.accounts.get("acme")
    assert after is not None
    assert after["running_count"] == 2
    assert await stores.accounts.take_place("acme", "batch_9", 0)


async def test_a_second_key_changes_the_plan_and_keeps_the_secret(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "free", b"first", NOW)
    await stores.accounts.ensure("acme", "pro", b"second", NOW)
    account = await stores.accounts.get("acme")
    assert account is not None
    assert (account["plan"], account["webhook_secret"]) == ("pro", b"first")


async def test_requests_are_counted_exactly(stores: Stores) -> None:
    counts = await asyncio.gather(*(stores.accounts.count_request("acme", 7) for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))
    assert await stores.accounts.count_request("acme", 8) == 1
    await stores.accounts.forget_windows(8)
    assert await stores.accounts.count_request("acme", 7) == 1
