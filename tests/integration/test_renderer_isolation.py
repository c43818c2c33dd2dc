"""Nothing of an item reaches another one, and nothing reaches the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from services.renderer.engine.engine import Engine
from services.renderer.engine.launcher import UNPRIVILEGED_UID
from tests.support.channels import SCRIPT_CHANNELS, STATIC_CHANNELS, listening
from tests.support.renderer import chromium_processes, image, pdf, pixel, render, running_engine, source

GREEN, RED = (0, 255, 0), (255, 0, 0)
SECCOMP_FILTER = "Seccomp:\t2"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def test_nothing_reaches_this_machine(engine: Engine) -> None:
    async with listening() as (canary, port):
        url = f"http://127.0.0.1:{port}"
        await render(engine, STATIC_CHANNELS.format(u=url, p=port))
        await render(engine, STATIC_CHANNELS.format(u=url, p=port), pdf(header_html=f"<img src='{url}/header'>"))
        document = STATIC_CHANNELS + SCRIPT_CHANNELS
        rendered = await render(engine, document.format(u=url, p=port))
        # The attempts ran, and the one to go elsewhere did not take the page away.
        assert pixel(rendered, 199, 99) == GREEN
        await render(engine, document.format(u=url, p=port), pdf())
        assert canary.hits == []
        # The canary does sing.
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        await writer.drain()
        async with asyncio.timeout(60):
            while not canary.hits:
                await asyncio.sleep(0.01)
        writer.close()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "view-source:file:///etc/passwd", "chrome://version"])
async def test_no_local_page_is_shown(engine: Engine, address: str) -> None:
    document = f"""<style>*{{margin:0;border:0;background:#0f0}}</style><iframe src="{address}"></iframe>
      <script>try {{ location = "{address}" }} catch {{}}
      fetch("{address}").then(() => {{ document.body.innerHTML = "<b style='background:red'>" }}).catch(() => 0);
      pressline.ready(new Promise((done) => setTimeout(done, 300)))</script>"""
    rendered = await render(engine, document)
    assert {pixel(rendered, x, y) for x in range(0, 200, 20) for y in range(0, 100, 20)} <= {GREEN, (255, 255, 255)}


async def test_data_addresses_work(engine: Engine) -> None:
    shape = "<rect width='200' height='100' fill='%2300ff00'/>"
    svg = f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='200' height='100'>{shape}</svg>"
    assert pixel(await render(engine, f'<style>*{{margin:0}}</style><img src="{svg}">'), 100, 50) == GREEN


STAIN = """<script>
window.stain = 1; Object.prototype.stain = 1; window.name = "stain"; document.cookie = "stain=1;max-age=9999";
try { localStorage.stain = 1; sessionStorage.stain = 1; } catch {}
try { indexedDB.open("stain"); caches.open("stain"); } catch {}
window.channel = new BroadcastChannel("stain"); channel.onmessage = () => channel.postMessage("stain");
pressline.ready(new Promise((done) => setTimeout(done, 100)));
</script>"""
LOOK = """<body style="background:#00ff00"><script>
const found = [];
if (window.stain || ({}).stain) found.push("globals");
if (window.name) found.push("name");
if (document.cookie) found.push("cookie");
if (localStorage.length || sessionStorage.length) found.push("storage");
const channel = new BroadcastChannel("stain");
channel.onmessage = () => found.push("channel"); channel.postMessage("?");
const kept = Promise.all([indexedDB.databases(), caches.keys()])
  .then((all) => { if (all.flat().length) found.push("databases"); });
pressline.ready(Promise.all([kept, new Promise((done) => setTimeout(done, 200))]).then(() => {
  if (found.length) { document.body.style.background = "#ff0000"; document.body.textContent = found.join(); }
}));
</script>"""


@pytest.mark.parametrize("accounts", [("a", "a"), ("a", "b")])
async def test_items_leave_nothing_behind(engine: Engine, accounts: tuple[str, str]) -> None:
    stainer, looker = accounts
    staining = asyncio.create_task(render(engine, STAIN, account=stainer))
    beside = await render(engine, LOOK, account=looker)
    await staining
    after = await render(engine, LOOK, account=looker)
    assert (pixel(beside, 150, 90), pixel(after, 150, 90)) == (GREEN, GREEN)


async def test_storage_itself_works(engine: Engine) -> None:
    document = """<body style="background:red"><script>localStorage.x = 1; document.cookie = "x=1";
      if (localStorage.x && document.cookie) document.body.style.background = "#00ff00"</script>"""
    assert pixel(await render(engine, document), 150, 90) == GREEN


async def test_a_browser_that_ran_scripts_is_gone_before_the_next_account() -> None:
    async with running_engine() as engine:
        await render(engine, "<script></script>", account="a")
        first = engine.browsers[0].pid
        # Pictures of another scale are taken by the browsers that run scripts.
        await render(engine, "<p>static", image(scale=2), account="a")
        assert engine.browsers[0].pid == first
        await render(engine, "<p>static", image(scale=2), account="b")
        assert engine.browsers[0].pid != first
        assert not psutil.pid_exists(first)


async def test_a_browser_is_replaced_after_its_items() -> None:
    async with running_engine(recycle=3) as engine:
        pids = []
        for _ in range(7):
            await render(engine, "<p>x")
            pids.append(engine.browsers[0].pid)
        assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


async def test_chromium_is_sandboxed_and_knows_no_secret(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSLINE_SERVICE_TOKEN", "secret")
    async with running_engine() as fresh:
        await render(fresh, "<p>x", image())
        processes = chromium_processes()
        pages = [process for process in processes if "--type=renderer" in process.cmdline()]
        assert len(pages) >= 2
        for process in processes:
            assert process.uids().real != 0
            assert process.uids().real == UNPRIVILEGED_UID or psutil.Process().uids().real != 0
            assert "PRESSLINE_SERVICE_TOKEN" not in process.environ()
            assert "--no-sandbox" not in process.cmdline()
        for process in pages:
            status = await asyncio.to_thread(Path(f"/proc/{process.pid}/status").read_text)
            assert SECCOMP_FILTER in status


async def test_concurrent_items_of_many_accounts(engine: Engine) -> None:
    async def one(index: int) -> bool:
        colour = f"#{index:02x}{255 - index:02x}80"
        script = "<script></script>" if index % 3 == 0 else ""
        document = source(f"{script}<body style='background:{colour}'>")
        rendered = await render(engine, document, account=f"account-{index % 4}")
        return pixel(rendered, 100, 50) == (index, 255 - index, 0x80)

    assert all(await asyncio.gather(*(one(index) for index in range(24))))
