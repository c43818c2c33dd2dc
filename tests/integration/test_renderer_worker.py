"""What the worker does with a message: real browser, real objects, a scripted scheduler."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from pydantic import SecretStr

from pressline.asset.v1.asset_pb2 import AssetSet
from pressline.batch.v1.batch_pb2 import FORMAT_PDF, FORMAT_WEBP
from pressline.task.v1 import task_pb2
from services.common import rpc
from services.common.assets import address
from services.common.blobs import BlobStore
from services.common.consumer import Again, Done
from services.common.errors import PresslineError, Reason
from services.common.settings import BlobSettings
from services.renderer import screenshots
from services.renderer.engine import failures
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import BrowserCrashedError
from services.renderer.sources import Sources
from services.renderer.tasks import Tasks
from services.renderer.worker import Worker
from tests.support import assets
from tests.support.assets import RED, png
from tests.support.renderer import STRICT, image, pdf, running_engine, source
from tests.support.renderer_tasks import Desk, serving_desk
from tests.support.scheduler import TOKEN
from tests.support.servers import S3Server
from tests.support.sites import way_out

STALE = PresslineError(Reason.STALE_ATTEMPT, "not yours")
AWAY = PresslineError(Reason.SERVICE_UNAVAILABLE, "away")


class Bench:
    """A worker, the scheduler that it talks to, and the store."""

    def __init__(self, worker: Worker, desk: Desk, blobs: BlobStore, engine: Engine) -> None:
        self.worker, self.desk, self.blobs, self.engine = worker, desk, blobs, engine

    def source(self, body: str) -> str:
        document = source(body, STRICT)
        self.desk.sources[document.id] = document
        return document.id

    async def handle(self, item_id: str = "item") -> Done | Again:
        return await self.worker.handle(task_pb2.TaskRef(item_id=item_id, dispatch_n=1).SerializeToString())


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def blob_settings(s3: S3Server, url: str | None = None) -> BlobSettings:
    return BlobSettings(
        s3_url=url or s3.url, s3_access_key=s3.access_key, s3_secret_key=SecretStr(s3.secret_key), s3_bucket=s3.bucket
    )


@pytest.fixture
async def bench(engine: Engine, s3_server: S3Server) -> AsyncIterator[Bench]:
    blobs = BlobStore(blob_settings(s3_server))
    await blobs.ensure_bucket()
    async with serving_desk() as (desk, address), rpc.channel(address, TOKEN) as channel, way_out() as egress:
        tasks = Tasks(channel, "worker")
        worker = Worker(tasks, Sources(tasks.source), engine, blobs, 60, egress, extend_every=0.3)
        yield Bench(worker, desk, blobs, engine)
    await blobs.close()


async def test_an_item_is_rendered_stored_and_reported(bench: Bench) -> None:
    html = bench.source("<p>{{name}}</p>")
    bench.desk.offer(
        "item",
        task_pb2.Render(
            layout="wide", source_id=html, output=image(300, 100, 2, FORMAT_WEBP), object_key="t/1-wide.webp"
        ),
        task_pb2.Render(layout="paper", source_id=html, output=pdf(), object_key="t/1-paper.pdf"),
        data=b'{"name": "x"}',
    )
    assert await bench.handle() == Done()
    assert [method for method in bench.desk.methods() if method != "extend"] == ["claim", "source", "complete"]
    report = bench.desk.last[1]
    assert report.lease.token == "token"
    assert report.render_duration.ToMilliseconds() > 0
    wide, paper = report.outputs
    assert (wide.object_key, wide.output.layout, wide.output.format) == ("t/1-wide.webp", "wide", FORMAT_WEBP)
    assert (wide.output.width, wide.output.height, wide.output.pages) == (600, 200, 0)
    assert (paper.output.format, paper.output.pages, paper.output.width) == (FORMAT_PDF, 1, 0)
    for stored in (wide, paper):
        data = await bench.blobs.get(stored.object_key)
        assert stored.output.size_bytes == len(data)
        assert stored.output.sha256 == hashlib.sha256(data).hexdigest()


async def test_a_layout_that_fails_is_named_and_the_others_are_kept(bench: Bench) -> None:
    good, bad = bench.source("fine"), bench.source("{{nobody}}")
    bench.desk.offer(
        "item",
        task_pb2.Render(layout="bad", source_id=bad, output=image(), object_key="t/bad.png"),
        task_pb2.Render(layout="good", source_id=good, output=image(), object_key="t/good.png"),
    )
    assert await bench.handle() == Done()
    method, report = bench.desk.last
    assert method == "fail"
    assert [(error.layout, error.code) for error in report.errors] == [("bad", "TEMPLATE_ERROR")]
    assert '"nobody"' in report.errors[0].message
    assert [stored.output.layout for stored in report.outputs] == ["good"]


async def test_a_source_that_is_gone_fails_the_item(bench: Bench) -> None:
    bench.desk.offer("item", task_pb2.Render(source_id="gone", output=image(), object_key="t/x"))
    assert await bench.handle() == Done()
    assert bench.desk.last[1].errors[0].code == "INTERNAL_ERROR"


async def test_nothing_to_do_and_unreadable_messages_are_done_with(bench: Bench) -> None:
    assert await bench.handle("unknown") == Done()
    assert await bench.worker.handle(b"\xff\xff\xff") == Done()
    assert bench.desk.methods() == ["claim"]


async def test_a_message_of_an_item_leased_elsewhere_waits(bench: Bench) -> None:
    answer = task_pb2.ClaimTaskResponse()
    answer.leased_elsewhere.remaining.FromSeconds(17)
    bench.desk.tasks["item"] = answer
    assert await bench.handle() == Again(17)


async def test_reports_are_repeated_while_the_scheduler_is_away(bench: Bench) -> None:
    bench.desk.failures["complete"] = [PresslineError(Reason.INTERNAL_ERROR, "busy")]
    bench.desk.offer("item", task_pb2.Render(source_id=bench.source("x"), output=image(), object_key="t/r.png"))
    assert await bench.handle() == Done()
    assert bench.desk.methods().count("complete") == 2


async def test_a_stale_report_is_dropped(bench: Bench) -> None:
    bench.desk.failures["complete"] = [STALE]
    bench.desk.offer("item", task_pb2.Render(source_id=bench.source("x"), output=image(), object_key="t/s.png"))
    assert await bench.handle() == Done()
    # Extensions of the lease go on beside the report.
    assert [method for method in bench.desk.methods() if method != "extend"][-1] == "complete"
    assert bench.desk.methods().count("complete") == 1


async def test_a_render_stops_when_its_lease_is_refused(bench: Bench) -> None:
    html = bench.source("<script>pressline.ready(new Promise(() => 0))</script>")
    bench.desk.offer("item", task_pb2.Render(source_id=html, output=image(), object_key="t/e.png"))
    bench.desk.failures["extend"] = [AWAY, AWAY, AWAY, AWAY, AWAY, STALE]
    async with asyncio.timeout(60):
        assert await bench.handle() == Done()
    assert not {"complete", "fail", "release"} & set(bench.desk.methods())


async def test_a_crash_hands_the_item_back_charged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_arguments: object) -> None:
        raise BrowserCrashedError("gone")

    monkeypatch.setattr(bench.engine, "render", crash)
    bench.desk.offer("item", task_pb2.Render(source_id=bench.source("x"), output=image(), object_key="t/c"), attempt=3)
    assert await bench.handle() == Again(8)
    method, report = bench.desk.last
    assert (method, report.crashed) == ("release", True)


async def test_a_store_that_is_away_hands_the_item_back(bench: Bench, s3_server: S3Server) -> None:
    away = BlobStore(blob_settings(s3_server, "http://127.0.0.1:1"))
    bench.worker._blobs = away
    bench.desk.offer("item", task_pb2.Render(source_id=bench.source("x"), output=image(), object_key="t/a"))
    assert await bench.handle() == Again(2)
    method, report = bench.desk.last
    assert (method, report.crashed) == ("release", False)
    assert "stored" in report.reason
    await away.close()


async def test_a_worker_that_is_stopped_hands_the_item_back(bench: Bench) -> None:
    html = bench.source("<script>pressline.ready(new Promise(() => 0))</script>")
    bench.desk.offer("item", task_pb2.Render(source_id=html, output=image(), object_key="t/d.png"))
    handling = asyncio.create_task(bench.handle())
    await bench.desk.wait_for("extend")
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    assert (bench.desk.last[0], bench.desk.last[1].crashed) == ("release", False)


async def test_a_set_of_assets_is_read_once_and_an_item_without_its_set_is_handed_back(bench: Bench) -> None:
    body = bench.source(f"<img src='{address('logo.png')}'>")
    bench.desk.asset_sets["set"] = AssetSet(assets=[assets.stored("logo.png", png(RED))])
    await bench.blobs.put("logo.png", png(RED), "image/png")
    for number, set_id in enumerate(("set", "set", "gone")):
        item = f"assets-{number}"
        bench.desk.offer(item, task_pb2.Render(source_id=body, output=image(), object_key=f"t/{item}.png"))
        bench.desk.tasks[item].task.asset_set_id = set_id
        ended = await bench.handle(item)
        assert isinstance(ended, Done if set_id == "set" else Again)
    assert bench.desk.methods().count("asset set") == 2
    assert bench.desk.last[0] == "release"
    assert [list(each.warnings) for method, each in bench.desk.told if method == "complete"] == [[], []]


@pytest.mark.parametrize("required", [False, True])
async def test_what_is_not_loaded_is_a_warning_or_fails_the_item(bench: Bench, *, required: bool) -> None:
    html = bench.source('<img src="http://10.0.0.1/logo.png">text')
    bench.desk.offer("item", task_pb2.Render(source_id=html, output=image(), object_key="t/remote.png"))
    bench.desk.tasks["item"].task.environment.assets_required = required
    assert await bench.handle() == Done()
    method, report = bench.desk.last
    sentence = (
        "The image http://10.0.0.1/logo.png was not loaded: its host has no address that documents may load from."
    )
    assert any(sentence in warning for warning in report.warnings)
    assert method == ("fail" if required else "complete")
    if required:
        assert [(error.code, error.message) for error in report.errors] == [("ASSET_FAILED", sentence)]


def failing(bench: Bench) -> None:
    html = bench.source(
        "<style>html{background:#0a0}</style>{{name}}<script>pressline.ready(Promise.reject(1))</script>"
    )
    fine = bench.source("{{name}}")
    bench.desk.offer(
        "item",
        task_pb2.Render(layout="fine", source_id=fine, output=image(), object_key="t/1.png", screenshot_key="t/1.jpg"),
        task_pb2.Render(layout="bad", source_id=html, output=image(), object_key="t/2.png", screenshot_key="t/2.jpg"),
        # As a scheduler says it that knows of no screenshots.
        task_pb2.Render(layout="old", source_id=html, output=image(), object_key="t/3.png"),
        data=b'{"name": ""}',
    )


async def test_a_failed_item_has_the_picture_of_its_page_and_all_warnings(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "SECONDS", 60)
    monkeypatch.setattr(screenshots, "SECONDS", 60)
    failing(bench)
    assert await bench.handle() == Done()
    method, report = bench.desk.last
    assert (method, [error.layout for error in report.errors]) == ("fail", ["bad", "old"])
    assert [(each.layout, each.object_key) for each in report.screenshots] == [("bad", "t/2.jpg")]
    assert [each.object_key for each in report.outputs] == ["t/1.png"]
    found = Image.open(io.BytesIO(await bench.blobs.get("t/2.jpg")))
    assert (found.format, found.size) == ("JPEG", (200, 100))
    empty = 'EMPTY_VARIABLE: "name" on line 1 of the template is empty.'
    blank = "BLANK_PAGE: The image has one colour all over."
    assert list(report.warnings) == [
        *(f"{told} (layout fine)" for told in (blank, empty)),
        *(f"{empty} (layout {layout})" for layout in ("bad", "old")),
    ]


async def test_a_store_that_takes_no_picture_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put = bench.blobs.put

    async def put_files(key: str, data: bytes, content_type: str) -> None:
        if key.endswith(".jpg"):
            raise OSError("no room")
        await put(key, data, content_type)

    monkeypatch.setattr(bench.blobs, "put", put_files)
    failing(bench)
    assert await bench.handle() == Done()
    method, report = bench.desk.last
    assert (method, list(report.screenshots)) == ("fail", [])
    assert [(error.code, error.layout) for error in report.errors] == [
        ("TEMPLATE_ERROR", "bad"),
        ("TEMPLATE_ERROR", "old"),
    ]
