"""What a card costs as a PNG, beside the sum of its parts measured alone; and what Chromium's own PNG costs.

    python -m benchmarks.parts --rounds 5 --items 60

Everything runs in as many pages at once as a renderer has. Milliseconds are of processor time per item, the browsers'
included.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from benchmarks import command, tables, usage
from benchmarks.cases import CARD_PNG
from benchmarks.contestants import at_once
from benchmarks.engine_alone import ITEM_SECONDS, engine_at_once, jobs_of, launching, renderer_settings
from benchmarks.plain_script import filled
from pressline.batch.v1.batch_pb2 import FORMAT_PNG
from services.renderer.engine import documents
from services.renderer.engine.encode import Encoder
from services.renderer.engine.model import NEUTRAL, Budget, Document
from services.renderer.engine.tab import Tab

WHOLE, SWAP, PAINT = "whole", "swap", "swap, paint"
FAST, DEFAULT, ENCODE = "swap, paint, Chromium's fast PNG", "swap, paint, Chromium's default PNG", "smaller PNG"
Step = Callable[[int], Awaitable[bytes]]


class Bench:
    """The steps of a card. A page is used by one item at a time."""

    def __init__(self, filled_cards: list[Document]) -> None:
        self._cards = filled_cards
        self._encoder = Encoder(smallest=False)
        self._captured = b""
        self.tabs: asyncio.Queue[Tab] = asyncio.Queue()

    def steps(self) -> dict[str, Step]:
        """Each step by its name; what one needs of another comes after it."""
        return {
            SWAP: lambda number: self._shown(number, None),
            PAINT: lambda number: self._shown(number, {}),
            FAST: lambda number: self._shown(number, {"screenshot": {"format": "png", "optimizeForSpeed": True}}),
            ENCODE: lambda _number: self._encoder.encode([self._captured], FORMAT_PNG, 0),
            DEFAULT: lambda number: self._shown(number, {"screenshot": {"format": "png"}}),
        }

    async def _shown(self, number: int, options: dict[str, Any] | None) -> bytes:
        tab = await self.tabs.get()
        try:
            await documents.show(tab, self._cards[number], NEUTRAL)
            if options is None:
                return b""
            data = await _frame(tab, options)
        finally:
            self.tabs.put_nowait(tab)
        if "optimizeForSpeed" in options.get("screenshot", {}):
            self._captured = data
        return data


def main() -> None:
    """Measure, print, and keep the results."""
    wanted = command.wanted(__doc__)
    found = asyncio.run(measured(wanted.rounds, wanted.items))
    show(found)
    command.write("parts", found)


async def measured(rounds: int, items: int) -> dict[str, Any]:
    """Median CPU milliseconds and median bytes, by step."""
    bench = Bench(await filled(CARD_PNG, items))
    jobs = jobs_of(CARD_PNG, items)
    async with engine_at_once() as (engine, many), with_tabs(bench):

        async def whole(number: int) -> bytes:
            return (await engine.render(jobs[number], Budget(ITEM_SECONDS))).data

        steps = {**bench.steps(), WHOLE: whole}
        costs: dict[str, list[float]] = {name: [] for name in steps}
        sizes: dict[str, list[int]] = {name: [] for name in steps}
        for number in range(rounds + 1):
            for name, step in steps.items():
                before = _used()
                turn = await at_once(many, items, step)
                # The first round does not count.
                costs[name] += [(_used() - before) * 1000 / items] if number else []
                sizes[name] += turn.sizes
    return {
        "cpu_ms": {name: statistics.median(each) for name, each in costs.items()},
        "bytes": {name: statistics.median(each) for name, each in sizes.items()},
    }


@asynccontextmanager
async def with_tabs(bench: Bench) -> AsyncIterator[None]:
    """Browsers and pages as the engine has them, the size of a card."""
    settings = renderer_settings()
    async with launching() as launcher:
        browsers = [await launcher.launch(draws=False) for _ in range(settings.renderer_browsers)]
        try:
            for browser in browsers * settings.renderer_pages:
                tab = await browser.open(scripts=False)
                await tab.resize(CARD_PNG.width, CARD_PNG.height)
                # The first frame of a page shows nothing.
                await _frame(tab, {})
                bench.tabs.put_nowait(tab)
            yield
        finally:
            await asyncio.gather(*(browser.kill() for browser in browsers))


async def _frame(tab: Tab, options: dict[str, Any]) -> bytes:
    if tab.frames is None:
        raise SystemExit("this Chromium draws by itself; the parts are measured with chromium-headless-shell")
    draw = partial(tab.send, "HeadlessExperimental.beginFrame", **options)
    return bytes((await tab.frames.take(draw, Budget(ITEM_SECONDS))).get("screenshotData", b""))


def show(found: dict[str, Any]) -> None:
    """Print the steps, and the whole against the sum of the parts."""
    print("\n".join(tables.of_parts(found)))
    ms = found["cpu_ms"]
    print(f"\nThe whole against {FAST} and {ENCODE}: {ms[WHOLE] / (ms[FAST] + ms[ENCODE]):.2f}")
    print(f"The whole against {PAINT} and {ENCODE}: {ms[WHOLE] / (ms[PAINT] + ms[ENCODE]):.2f}")
    print(f"Our PNG against Chromium's default: {found['bytes'][WHOLE] / found['bytes'][DEFAULT]:.2f}")


def _used() -> float:
    return sum(usage.cpu_seconds(os.getpid()).values())


if __name__ == "__main__":
    main()
