"""The kept pictures. `python -m tests.visual.golden [name ...]` makes them anew, for the Chromium that is installed.

Look at each picture that this changes before you keep it.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from PIL import Image

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job, Rendered
from tests.support.renderer import chromium, running_engine
from tests.visual.corpus import HERE, MOMENT, Case, corpus
from tests.visual.pictures import apart, picture_of

KEPT = HERE / "golden"
FAILED = HERE / "failed"
# Levels of 255 in a channel that a pixel may be off, and the share of the pixels that may be off by more: what other
# processors round differently; and what another Chromium draws differently.
SAME_VERSION = (8, 0.0005)
OTHER_VERSION = (48, 0.02)
Version = tuple[int, ...]


@cache
def version() -> Version:
    """Of the Chromium that is installed."""
    told = subprocess.run([chromium(), "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    match = re.search(r"(\d+)\.(\d+)\.(\d+)\.(\d+)", told)
    assert match, told
    return tuple(map(int, match.groups()))


def nearest(wanted: Version, kept: list[Version]) -> Version:
    """The kept version that is as close as any, its first number counting most; the newer one of two."""
    distance = [abs(a - b) for a, b in zip(wanted, kept[0], strict=True)]
    best = kept[0]
    for each in kept[1:]:
        other = [abs(a - b) for a, b in zip(wanted, each, strict=True)]
        if (other, best) < (distance, each):
            best, distance = each, other
    return best


def folder(of: Version) -> Path:
    """Where the pictures of a version are."""
    return KEPT / ".".join(map(str, of))


def kept_versions() -> list[Version]:
    """All versions that pictures are kept of."""
    return sorted(tuple(map(int, each.name.split("."))) for each in KEPT.iterdir())


async def render(engine: Engine, case: Case) -> Rendered:
    """Render a document as it is."""
    return await engine.render(Job("golden", case.source, case.row, case.output, MOMENT), Budget(120))


def complaint(name: str, new: Image.Image) -> str:
    """What is wrong with a new picture; empty when it is as the kept one. A wrong one is written beside it."""
    closest = nearest(version(), kept_versions())
    file = folder(closest) / f"{name}.png"
    if not file.exists():
        return f"There is no {file}. Make it by `python -m tests.visual.golden {name}` and look at it."
    old = Image.open(file).convert("RGB")
    levels, most = SAME_VERSION if closest == version() else OTHER_VERSION
    share, shown = apart(old, new, levels) if old.size == new.size else (1.0, new)
    if share <= most:
        return ""
    FAILED.mkdir(exist_ok=True)
    new.save(FAILED / f"{name}.png")
    shown.save(FAILED / f"{name}.difference.png")
    return (
        f"{name}: {share:.2%} of the pixels are off by more than {levels} levels; {most:.2%} may be. "
        f"Sizes: {old.size} kept, {new.size} now.\n  kept: {file}\n  now: {FAILED / name}.png\n"
        f"  difference: {FAILED / name}.difference.png"
    )


async def _make(names: list[str]) -> None:
    cases = corpus()
    target = folder(version())
    target.mkdir(parents=True, exist_ok=True)
    for stale in {file.stem for file in target.iterdir()} - set(cases):
        (target / f"{stale}.png").unlink()
    async with running_engine(browsers=2) as engine:
        for name in names or cases:
            new = await picture_of(await render(engine, cases[name]))
            await asyncio.to_thread(new.save, target / f"{name}.png", optimize=True)
            print(target / f"{name}.png")  # noqa: T201 - a command


if __name__ == "__main__":
    asyncio.run(_make(sys.argv[1:]))
