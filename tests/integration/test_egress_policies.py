"""What an account's policy leaves of what a document shows, looked at in the picture."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from pressline.account.v1.account_pb2 import EGRESS_MODE_ALLOWLIST, EGRESS_MODE_NONE, EgressPolicy
from pressline.batch.v1.batch_pb2 import OutputSpec
from services.renderer.egress.egress import EVERYTHING, Egress
from services.renderer.egress.item import ItemResources
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Budget, Job, Rendered
from tests.support.assets import BLUE, GREEN, RED, png
from tests.support.renderer import image, pixel, running_engine, source
from tests.support.sites import Names, Page, Site, running_site, way_out

WHITE = (255, 255, 255)
NONE = EgressPolicy(mode=EGRESS_MODE_NONE)
UNLISTED = "its host is not on the account's list"
CLOSED = "the account's documents load nothing from elsewhere"
STYLE = "<!doctype html><style>body{margin:0}img,div{position:absolute;top:0;width:40px;height:40px}</style>"


def listing(*hosts: str) -> EgressPolicy:
    return EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=hosts)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """One server that answers to several names."""
    pages: dict[str, Page] = {
        "/red.png": ("image/png", png(RED)),
        "/green.png": ("image/png", png(GREEN)),
        "/blue.png": ("image/png", png(BLUE)),
    }
    async with running_site(pages) as running:
        for name in ("cdn", "other"):
            target = {"Location": f"http://{name}.example:{running.port}/blue.png"}
            running.pages[f"/to-{name}"] = web.Response(status=302, headers=target)
        yield running


@pytest.fixture
def names() -> Names:
    return Names({f"{name}.example": [("127.0.0.1",)] for name in ("site", "cdn", "other", "deep.cdn")})


@pytest.fixture
async def egress(site: Site, names: Names) -> AsyncIterator[Egress]:
    allow = ",".join(f"{name}:{site.port}" for name in names.known)
    async with way_out(names=names, template_allow=allow) as opened:
        yield opened


async def render(
    engine: Engine, html: str, remote: ItemResources, account: str = "account", output: OutputSpec | None = None
) -> Rendered:
    job = Job(account, source(html), b"{}", output or image(), NEUTRAL, None, remote)
    return await engine.render(job, Budget(120))


def boxes(*addresses: str) -> str:
    """A document that shows images beside each other, the last one as a background."""
    *images, last = [f"left:{40 * index}px|{address}" for index, address in enumerate(addresses)]
    shown = "".join('<img style="{}" src="{}">'.format(*each.split("|")) for each in images)
    left, address = last.split("|")
    return f'{STYLE}{shown}<div style="{left};background:url({address})"></div>'


def colours(rendered: Rendered, count: int) -> list[tuple[int, int, int]]:
    return [pixel(rendered, 40 * box + 20, 20) for box in range(count)]


@pytest.mark.parametrize("script", ["", "<script></script>"], ids=["static", "scripted"])
async def test_a_list_opens_its_hosts_and_each_hop_is_asked(
    engine: Engine, site: Site, names: Names, egress: Egress, script: str
) -> None:
    item = egress.of("batch", listing("site.example", "*.cdn.example"))
    here, cdn, deep = (f"http://{name}.example:{site.port}" for name in ("site", "cdn", "deep.cdn"))
    html = boxes(f"{here}/red.png", f"{cdn}/green.png", f"{deep}/to-other", f"{deep}/green.png")
    rendered = await render(engine, html + script, item)
    assert colours(rendered, 4) == [RED, WHITE, WHITE, GREEN]
    # The page knows the third by the address before the redirect, and does not tell of it once more.
    assert rendered.warnings == ()
    assert item.warnings == [
        f"The image {cdn}/green.png was not loaded: {UNLISTED}.",
        f"The image http://other.example:{site.port}/blue.png was not loaded: {UNLISTED}.",
    ]
    assert sorted(site.asked) == ["/green.png", "/red.png", "/to-other"]
    # A name that is not on the list is not even looked up.
    assert set(names.asked) == {"site.example", "deep.cdn.example"}
    item = egress.of("next", listing("site.example", "cdn.example"))
    assert colours(await render(engine, boxes(f"{here}/to-cdn", f"{here}/to-other") + script, item), 2) == [BLUE, WHITE]


@pytest.mark.parametrize("script", ["", "<script></script>"], ids=["static", "scripted"])
async def test_what_another_account_has_loaded_is_nobody_elses(
    engine: Engine, site: Site, egress: Egress, script: str
) -> None:
    html = boxes(f"{site.url}/red.png", f"{site.url}/green.png") + script
    told = [f"The image {site.url}/{name}.png was not loaded: {CLOSED}." for name in ("green", "red")]
    for _ in range(2):
        mine = egress.of("mine", EVERYTHING)
        assert colours(await render(engine, html, mine, "mine"), 2) == [RED, GREEN]
        # Another account's batch, and the next one of the same account on the page that has shown them.
        for batch, account in (("theirs", "theirs"), ("my next", "mine")):
            item = egress.of(batch, NONE)
            assert colours(await render(engine, html, item, account), 2) == [WHITE, WHITE]
            assert item.warnings == told
    assert sorted(site.asked) == ["/green.png", "/red.png"]


async def test_none_leaves_nothing_whatever_a_document_tries(
    engine: Engine, site: Site, names: Names, egress: Egress
) -> None:
    html = f"""<link rel=stylesheet href="{site.url}/x.css"><style>@import url({site.url}/y.css);
      @font-face{{font-family:F;src:url({site.url}/f.woff2)}} body{{font-family:F}}</style>text
      <script src="{site.url}/x.js"></script>
      <script>fetch("{site.url}/data").catch(() => 0); new Image().src = "{site.url}/red.png"</script>"""
    item = egress.of("batch", NONE)
    await render(engine, html, item)
    assert len(item.warnings) == 6
    assert all(warning.endswith(f" was not loaded: {CLOSED}.") for warning in item.warnings)
    assert (site.asked, names.asked) == ([], [])


async def test_an_account_opens_nothing_that_the_installation_does_not(engine: Engine, site: Site) -> None:
    async with way_out(names={"site.example": [("127.0.0.1",)]}) as egress:
        item = egress.of("batch", listing("site.example", "127.0.0.1"))
        html = boxes(f"{site.url}/red.png", f"http://127.0.0.1:{site.port}/red.png")
        assert colours(await render(engine, html, item), 2) == [WHITE, WHITE]
        assert len(item.warnings) == 2
        assert all("no address that documents may load from" in warning for warning in item.warnings)
    assert site.asked == []
