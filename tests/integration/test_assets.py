"""Assets over REST: stored, listed, read and deleted, each account's for itself, within their bounds."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx2
import pytest

from pressline.asset.v1 import asset_pb2, asset_pb2_grpc
from services.common.blobs import BlobStore
from services.scheduler.api.assets import UPLOADS_PER_ACCOUNT
from services.scheduler.assetsweep import AssetSweeper
from services.scheduler.clock import now_ms
from services.scheduler.library import GRACE_MS
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support import fonts
from tests.support.assets import BLUE, GREEN, RED, png, svg
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

MOST, EACH, ALL = 4, 2_000, 5_000


@dataclass
class World:
    """A scheduler with a gateway, two accounts, and what they are made of."""

    mine: httpx2.AsyncClient
    theirs: httpx2.AsyncClient
    client: Client
    stores: Stores
    blobs: BlobStore

    async def objects(self) -> list[str]:
        """The contents of assets in the object store."""
        found = self.blobs._client.list_objects(self.blobs._bucket, prefix=f"{self.account}/assets/", recursive=True)
        return [each.object_name for each in await asyncio.to_thread(list, found)]

    async def sweep_later(self, graces: int = 2) -> None:
        """What the sweep does when the grace is over."""
        await AssetSweeper(self.stores, self.blobs, lambda: now_ms() + graces * GRACE_MS).sweep()

    account: str = "acme"


@pytest.fixture
async def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    bounds = {"account_assets": MOST, "asset_bytes": EACH, "account_asset_bytes": ALL}
    return scheduler_settings(nats_server, mongodb_server, s3_server, **bounds)


@pytest.fixture
async def world(settings: SchedulerSettings, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    account = "a-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    database, blobs = Database(settings.mongodb_url, settings.mongodb_database), BlobStore(settings)
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        client, other = await anonymous.as_account(account), await anonymous.as_account("other")
        async with gateway.client(client.key) as mine, gateway.client(other.key) as theirs:
            yield World(mine, theirs, client, Stores.of(database), blobs, account)
    await blobs.close()
    await database.close()


async def add(rest: httpx2.AsyncClient, name: str, data: bytes, **parameters: Any) -> dict[str, Any]:
    answer = await rest.post("/v1/assets", params={"name": name, **parameters}, content=data)
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


async def refused(rest: httpx2.AsyncClient, name: str, data: bytes) -> tuple[int, dict[str, Any]]:
    answer = await rest.post("/v1/assets", params={"name": name}, content=data)
    return answer.status_code, answer.json().get("error", {})


async def names(rest: httpx2.AsyncClient) -> list[str]:
    return [each["name"] for each in (await rest.get("/v1/assets")).json()["data"]]


async def test_an_image_and_a_font_are_stored_listed_read_and_deleted(world: World) -> None:
    logo = await add(world.mine, "logo.png", png(RED))
    brand = await add(world.mine, "brand.woff2", fonts.woff2("Brand"))
    assert (logo["kind"], logo["content_type"], logo["bytes"], logo["font"]) == (
        "image",
        "image/png",
        len(png(RED)),
        None,
    )
    assert logo["sha256"] == hashlib.sha256(png(RED)).hexdigest()
    assert logo["url"] == "https://assets.pressline.invalid/logo.png"
    assert (brand["kind"], brand["content_type"]) == ("font", "font/woff2")
    assert brand["font"] == {"family": "Brand", "weight": "400", "style": "normal"}
    first = (await world.mine.get("/v1/assets", params={"limit": 1})).json()
    assert first["data"] == [brand]
    second = (await world.mine.get("/v1/assets", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert second == {"data": [logo], "next_cursor": None}
    assert (await world.mine.get(f"/v1/assets/{logo['id']}")).json() == logo
    assert (await world.mine.delete(f"/v1/assets/{logo['id']}")).status_code == 204
    assert (await world.mine.get(f"/v1/assets/{logo['id']}")).status_code == 404
    assert (await world.mine.delete(f"/v1/assets/{logo['id']}")).status_code == 404
    assert await names(world.mine) == ["brand.woff2"]


async def test_content_comes_back_harmless(world: World) -> None:
    drawn = await add(world.mine, "drawn.svg", svg("red"))
    answer = await world.mine.get(f"/v1/assets/{drawn['id']}/content")
    assert answer.content == svg("red")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_another_accounts_assets_are_not_there(world: World) -> None:
    mine, theirs = await add(world.mine, "logo.png", png(RED)), await add(world.theirs, "logo.png", png(BLUE))
    assert mine["id"] != theirs["id"]
    for path in (f"/v1/assets/{mine['id']}", f"/v1/assets/{mine['id']}/content"):
        assert (await world.theirs.get(path)).status_code == 404
    assert (await world.theirs.delete(f"/v1/assets/{mine['id']}")).status_code == 404
    assert (await world.mine.get(f"/v1/assets/{mine['id']}/content")).content == png(RED)


async def test_the_same_bytes_again_change_nothing_and_others_only_when_asked(world: World) -> None:
    first = await add(world.mine, "logo.png", png(RED))
    assert await add(world.mine, "logo.png", png(RED)) == first
    status, error = await refused(world.mine, "logo.png", png(BLUE))
    assert (status, error["code"]) == (409, "CONFLICT")
    assert len(await world.objects()) == 1
    replaced = await add(world.mine, "logo.png", png(BLUE), replace=True)
    assert (replaced["id"], replaced["created_at"]) == (first["id"], first["created_at"])
    assert (await world.mine.get(f"/v1/assets/{first['id']}/content")).content == png(BLUE)
    await world.sweep_later()
    assert len(await world.objects()) == 1
    assert (await world.mine.get(f"/v1/assets/{first['id']}/content")).content == png(BLUE)


async def test_everything_wrong_with_an_upload_is_said_at_once(world: World) -> None:
    status, error = await refused(world.mine, "../logo", b"hello")
    assert (status, [fault["path"] for fault in error["fields"]]) == (400, ["name", "body"])
    for data, words in ((b"", "is not a PNG"), (fonts.woff2("Brand")[:-40], "damaged font"), (b"ttcf....", "is not a")):
        status, error = await refused(world.mine, "x", data)
        assert status == 400
        assert words in error["fields"][0]["message"]
    form = {"file": ("logo.png", png(RED), "image/png")}
    answer = await world.mine.post("/v1/assets", params={"name": "logo.png"}, files=form)
    assert (answer.status_code, "--data-binary" in answer.json()["error"]["message"]) == (415, True)
    assert await world.objects() == []


async def test_the_bounds_of_an_account_hold(world: World) -> None:
    status, error = await refused(world.mine, "large.svg", svg("red") + b" " * EACH)
    assert (status, error["code"], str(EACH) in error["message"]) == (413, "PAYLOAD_TOO_LARGE", True)
    for number in range(2):
        await add(world.mine, f"{number}.svg", svg("red") + b" " * 1_700)
    status, error = await refused(world.mine, "2.svg", svg("red") + b" " * 1_700)
    assert (status, error["code"]) == (409, "CONFLICT")
    assert f"at most {ALL} bytes" in error["message"]
    for number in (2, 3):
        await add(world.mine, f"{number}.png", png(RED))
    status, error = await refused(world.mine, "4.png", png(RED))
    assert (status, error["message"]) == (409, f"An account has at most {MOST} assets.")
    # Bytes that were let loose count until they are gone.
    large = next(each for each in (await world.mine.get("/v1/assets")).json()["data"] if each["name"] == "0.svg")
    await world.mine.delete(f"/v1/assets/{large['id']}")
    status, error = await refused(world.mine, "5.svg", svg("red") + b" " * 1_700)
    assert (status, "replaced or deleted" in error["message"]) == (409, True)
    await world.sweep_later()
    await add(world.mine, "5.svg", svg("red") + b" " * 1_700)


async def test_many_uploads_at_once_are_all_there_and_of_one_name_one_wins(world: World) -> None:
    added = await asyncio.gather(*(add(world.mine, f"{number}.png", png(RED)) for number in range(3)))
    assert len({each["id"] for each in added}) == 3
    contents = [png((shade, 0, 0)) for shade in range(4)]
    answers = await asyncio.gather(*(refused(world.mine, "same.png", each) for each in contents))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    assert len(await names(world.mine)) == MOST
    await world.sweep_later()
    assert len(await world.objects()) == MOST


async def test_an_upload_that_breaks_off_leaves_nothing_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("services.scheduler.audit.AuditLog.record", _killed)
        assert (await world.mine.post("/v1/assets", params={"name": "logo.png"}, content=png(RED))).status_code == 500
    assert (len(await world.objects()), await names(world.mine)) == (1, [])
    await AssetSweeper(world.stores, world.blobs).sweep()
    assert len(await world.objects()) == 1
    await world.sweep_later()
    assert await world.objects() == []
    assert await world.stores.assets.due(now_ms() + 10 * GRACE_MS, 10) == []
    await add(world.mine, "logo.png", png(RED))


async def test_what_a_running_batch_was_submitted_with_stays_until_it_ends(world: World) -> None:
    asset = await add(world.mine, "logo.png", png(RED))
    created = await world.client.submit(1)
    await world.mine.delete(f"/v1/assets/{asset['id']}")
    await world.sweep_later()
    assert len(await world.objects()) == 1
    await world.client.cancel(created.batch.id)
    await world.client.until_ended(created.batch.id)
    await world.sweep_later(4)
    assert await world.objects() == []


async def test_a_key_needs_submit_to_store_and_read_to_list_and_the_audit_log_tells(world: World) -> None:
    reader = (await world.mine.post("/v1/keys", json={"name": "r", "scopes": ["read"]})).json()["key"]
    headers = {"Authorization": f"Bearer {reader}"}
    answer = await world.mine.post("/v1/assets", params={"name": "a.png"}, content=png(GREEN), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    asset = await add(world.mine, "a.png", png(GREEN))
    await add(world.mine, "a.png", png(RED), replace="true")
    assert (await world.mine.get("/v1/assets", headers=headers)).status_code == 200
    assert (await world.mine.delete(f"/v1/assets/{asset['id']}", headers=headers)).status_code == 403
    await world.mine.delete(f"/v1/assets/{asset['id']}")
    told = (await world.mine.get("/v1/audit")).json()["data"]
    assert [(each["action"], each["subject"]) for each in told[:3]] == [
        ("asset.deleted", "a.png"),
        ("asset.replaced", "a.png"),
        ("asset.created", "a.png"),
    ]


async def test_an_account_uploads_only_so_much_at_once(world: World) -> None:
    stub = asset_pb2_grpc.AssetServiceStub(world.client.public)
    begun = [stub.CreateAsset(metadata=world.client.auth) for _ in range(UPLOADS_PER_ACCOUNT + 1)]
    try:
        for call in begun:
            await call.write(asset_pb2.CreateAssetRequest(spec=asset_pb2.AssetSpec(name="logo.png")))
        ends = [asyncio.ensure_future(call.code()) for call in begun]
        async with asyncio.timeout(60):
            (refused_one,), waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert refused_one.result() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(waiting) == UPLOADS_PER_ACCOUNT
    finally:
        for call in begun:
            call.cancel()
    async with asyncio.timeout(60):
        while (await refused(world.mine, "logo.png", png(RED)))[0] != 201:
            await asyncio.sleep(0.1)


async def _killed(*_arguments: object) -> None:
    raise RuntimeError("killed here")
