"""With the way out open, nothing that a document tries reaches this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from pressline.batch.v1.batch_pb2 import OutputSpec
from services.renderer.egress.egress import Egress
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Budget, Job, Rendered, RenderError
from tests.support.assets import RED, png
from tests.support.channels import SCRIPT_CHANNELS, STATIC_CHANNELS, listening
from tests.support.renderer import image, pdf, pixel, running_engine, source
from tests.support.sites import Answers, Page, running_site, way_out

GREEN = (0, 255, 0)
# Each look-up of a name may be answered otherwise.
NAMES: dict[str, Answers] = {
    "inside.example": [("127.0.0.1",)],
    "six.example": [("::1",)],
    "mixed.example": [("::ffff:127.0.0.1", "127.0.0.1")],
    "metadata.example": [("169.254.169.254",)],
    "local": [("127.0.0.1",)],
}
HEADER = "<img src='{u}/header'><p style='background:url({u}/bg)'>x<script>fetch('{u}/header.js')</script>"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def render(engine: Engine, html: str, egress: Egress, output: OutputSpec | None = None) -> Rendered:
    remote = egress.of("batch")
    return await engine.render(
        Job("account", source(html), b"{}", output or image(), NEUTRAL, None, remote), Budget(120)
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "inside.example"])
async def test_no_channel_reaches_this_machine(engine: Engine, host: str) -> None:
    async with listening() as (canary, port):
        # The port is open for public addresses, so that only the address is what stops it.
        async with way_out(names=NAMES, open_ports=frozenset({port})) as egress:
            url = f"http://{host}:{port}"
            static = STATIC_CHANNELS.format(u=url, p=port)
            scripted = static + SCRIPT_CHANNELS.format(u=url, p=port)
            printed = pdf(header_html=HEADER.format(u=url), footer_html=HEADER.format(u=url))
            await render(engine, static, egress)
            await render(engine, static, egress, printed)
            assert pixel(await render(engine, scripted, egress), 199, 99) == GREEN
            await render(engine, scripted, egress, printed)
            # Chromium prints no header whose style sheet is missing.
            with pytest.raises(RenderError):
                await render(engine, "x", egress, pdf(footer_html=f"<style>@import url({url}/footer.css)</style>"))
        assert canary.hits == []


async def test_names_and_redirects_into_this_machine(engine: Engine) -> None:
    async with listening() as (canary, port):
        inside = [f"http://{host}:{port}" for host in (*NAMES, "127.0.0.1", "[::1]", "0", "localhost")]
        pages: dict[str, Page] = {
            f"/{index}": web.Response(status=302 + 5 * (index % 2), headers={"Location": f"{target}/redirected"})
            for index, target in enumerate(inside)
        }
        css = "".join(f"@import url({target}/css);@import url(/{index});" for index, target in enumerate(inside))
        pages |= {"/site.css": ("text/css", css.encode()), "/red.png": ("image/png", png(RED))}
        async with (
            running_site(pages) as site,
            way_out(site.port, names=NAMES, open_ports=frozenset({port})) as egress,
        ):
            images = "".join(f'<img src="{target}/x">' for target in inside)
            images += "".join(f'<img src="{site.url}{path}">' for path in pages)
            fetches = "".join(f"fetch('{site.url}{path}').catch(() => 0);" for path in pages)
            html = f'<style>*{{margin:0}}</style><link rel=stylesheet href="{site.url}/site.css">{images}'
            for script in ("", f"<script>{fetches}</script>"):
                for output in (image(), pdf()):
                    await render(engine, f'<img src="{site.url}/red.png">{html}{script}', egress, output)
            # What may be loaded was, so the way out was open.
            assert {"/red.png", "/site.css", "/0", "/1"} <= set(site.asked)
        assert canary.hits == []


async def test_the_canary_sings_when_it_is_allowed(engine: Engine) -> None:
    async with listening() as (canary, port):
        async with way_out(template_allow="127.0.0.0/8") as egress:
            await render(engine, f'<img src="http://127.1:{port}/">', egress)
        assert len(canary.hits) == 1
