"""Libraries and sets of assets on a MongoDB-protocol server."""

from __future__ import annotations

import asyncio

from pressline.asset.v1.asset_pb2 import Asset, AssetSet, StoredAsset
from services.scheduler.stores import Stores

NOW = 1_000_000
EMPTY: dict[str, object] = {"assets": [], "loose": []}


async def test_of_many_who_change_a_library_one_does(stores: Stores) -> None:
    for version in range(3):
        fields = [{"assets": [b"%d" % number], "loose": []} for number in range(8)]
        done = await asyncio.gather(*(stores.assets.put("acme", version, each, None) for each in fields))
        assert sum(done) == 1
        found = await stores.assets.get("acme")
        assert found is not None
        assert found["version"] == version + 1
        assert found["assets"] == fields[done.index(True)]["assets"]
    assert await stores.assets.get("other") is None


async def test_libraries_are_due_until_there_is_nothing_to_delete(stores: Stores) -> None:
    loose = {"assets": [], "loose": [{"key": "k", "size": 1, "since_ms": NOW}]}
    assert await stores.assets.put("acme", 0, loose, NOW)
    assert await stores.assets.put("other", 0, EMPTY, None)
    assert await stores.assets.due(NOW, 10) == []
    (due,) = await stores.assets.due(NOW + 1, 10)
    assert (due["_id"], due["loose"]) == ("acme", loose["loose"])
    assert await stores.assets.put("acme", 1, EMPTY, None)
    assert await stores.assets.due(NOW + 1, 10) == []


async def test_a_set_is_kept_as_long_as_any_batch_needs_it(stores: Stores) -> None:
    pinned = AssetSet(assets=[StoredAsset(asset=Asset(name="a"), object_key="k")])
    for until in (NOW, NOW + 100, NOW + 50):
        await stores.asset_sets.put("assets_1", pinned.SerializeToString(), until)
    assert await stores.asset_sets.get("assets_1") == pinned
    await stores.asset_sets.forget(NOW + 100, 10)
    assert await stores.asset_sets.get("assets_1") == pinned
    await stores.asset_sets.forget(NOW + 101, 10)
    assert await stores.asset_sets.get("assets_1") is None
