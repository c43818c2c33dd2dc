"""ZIPs of batches: scheduler, object store and the renderer's archiver, all real."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import urllib.request
from collections.abc import AsyncIterator
from zipfile import ZIP_STORED, ZipFile

import pytest

from pressline.archive.v1.archive_pb2 import ARCHIVE_STATE_COMPLETED, Archive
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from tests.support.archives import ArchiveWorld, archive_world, named
from tests.support.scheduler import PNG, scheduler_settings
from tests.support.servers import S3Server, UrlServer


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[ArchiveWorld]:
    async with archive_world(scheduler_settings(nats_server, mongodb_server, s3_server)) as made:
        yield made


async def downloaded(archive: Archive) -> bytes:
    """The file behind an archive's address, which is what the archive says."""
    assert archive.state == ARCHIVE_STATE_COMPLETED, archive
    with await asyncio.to_thread(urllib.request.urlopen, archive.url, timeout=60) as response:
        assert response.headers["Content-Disposition"] == f'attachment; filename="{archive.batch_id}.zip"'
        data = bytes(response.read())
    assert (len(data), hashlib.sha256(data).hexdigest()) == (archive.size_bytes, archive.sha256)
    return data


async def test_a_batch_is_zipped_with_every_file_and_a_manifest_of_every_item(world: ArchiveWorld) -> None:
    def content(index: int, render: task_pb2.Render) -> bytes | None:
        return None if index == 7 else named(index, render) * (index + 1) * 100

    items = [batch_pb2.ItemSpec(reference=f"row-{i}", filename="karte ö.png" if i < 2 else "") for i in range(100)]
    batch_id = await world.ended(items, content)
    archive = await world.made(batch_id)
    assert (archive.items, archive.id) == (99, f"arc_{batch_id.removeprefix('batch_')}_zip")
    with ZipFile(io.BytesIO(await downloaded(archive))) as opened:
        assert opened.testzip() is None
        manifest = json.loads(opened.read("manifest.json"))
        listed = manifest["items"]
        assert (manifest["batch_id"], [entry["index"] for entry in listed]) == (batch_id, list(range(100)))
        assert [entry["file"] for entry in listed[:3]] == ["karte ö.png", "karte ö-2.png", "02.png"]
        assert opened.namelist() == ["manifest.json", *(entry["file"] for entry in listed if entry["file"])]
        assert {info.compress_type for info in opened.infolist()} == {ZIP_STORED}
        for entry in listed:
            if entry["index"] != 7:
                data = opened.read(entry["file"])
                assert data == content(entry["index"], task_pb2.Render())
                assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
                assert (entry["status"], entry["error"]) == ("succeeded", None)
    failed = listed[7]
    assert (failed["status"], failed["file"], failed["files"]) == ("failed", None, [])
    assert failed["error"] == {"code": "TEMPLATE_ERROR", "message": "as the test wishes"}
    assert failed["reference"] == "row-7"


async def test_every_layout_is_in_it_also_of_an_item_of_which_another_layout_failed(world: ArchiveWorld) -> None:
    layouts = {name: template_pb2.Layout(width=100, height=50) for name in ("square", "wide")}
    content = template_pb2.TemplateContent(name="card", html="<p>x</p>", layouts=layouts)
    create = template_pb2.CreateTemplateRequest(content=content)
    template = await world.client.templates.CreateTemplate(create, metadata=world.client.auth)
    spec = batch_pb2.BatchSpec(source=batch_pb2.Source(template_id=template.id), layouts=["square", "wide"], output=PNG)

    def stored(index: int, render: task_pb2.Render) -> bytes | None:
        return None if (index, render.layout) == (1, "wide") else f"{index} {render.layout}".encode()

    batch_id = await world.ended(2, stored, spec=spec)
    archive = await world.made(batch_id)
    with ZipFile(io.BytesIO(await downloaded(archive))) as opened:
        found = {name: opened.read(name) for name in opened.namelist() if name != "manifest.json"}
        first, second = json.loads(opened.read("manifest.json"))["items"]
    assert found == {"0-square.png": b"0 square", "0-wide.png": b"0 wide", "1-square.png": b"1 square"}
    assert [file["layout"] for file in first["files"]] == ["square", "wide"]
    assert (second["status"], second["file"]) == ("failed", "1-square.png")


async def test_the_same_batch_makes_the_same_bytes(world: ArchiveWorld) -> None:
    batch_id = await world.ended(5)
    first = await world.made(batch_id)
    await world.stores.archives.delete_of(batch_id)
    again = await world.made(batch_id)
    assert (again.sha256, again.id) == (first.sha256, first.id)
    assert first.sha256
