"""The same rows give the same bytes, whichever renderer makes them and in whatever order."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import pytest

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_WEBP, OutputSpec
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from tests.support.renderer import STRICT, image, pdf, running_engine, source

ROWS = [{"name": f"Ünal {number} 東京", "hue": number * 31 % 360, "lines": list(range(number))} for number in range(12)]
CARD = source(
    """<!doctype html><head><style>
    body { margin: 0; font: 20px "Noto Sans", "Noto Sans CJK JP"; color: #fff }
    main { height: 260px; padding: 20px; border-radius: 9px; box-shadow: 0 0 30px #000 inset }
    </style></head>
    <body><main style="background: linear-gradient(30deg, hsl({{hue}} 80% 30%), #123)">
    <svg width="90" height="90"><circle cx="45" cy="45" r="40" fill="none" stroke="gold" stroke-width="5"/></svg>
    <h1>{{name}}</h1>{{#each lines}}<span>line {{this}} </span>{{/each}}</main></body>""",
    STRICT,
)
OUTPUTS = {
    "png": image(400, 300),
    "jpeg": image(400, 300, format_=FORMAT_JPEG),
    "webp": image(400, 300, format_=FORMAT_WEBP),
    "pdf": pdf(),
}


@pytest.fixture(scope="module")
async def engines() -> AsyncIterator[tuple[Engine, Engine]]:
    """Two that have nothing in common, and not even as many pages."""
    async with running_engine(pages=2) as one, running_engine(pages=1) as other:
        yield one, other


@pytest.mark.parametrize("format_", OUTPUTS)
async def test_two_renderers_give_the_same_files(engines: tuple[Engine, Engine], format_: str) -> None:
    one, other = engines
    forwards, backwards = await asyncio.gather(
        digests(one, OUTPUTS[format_], ROWS), digests(other, OUTPUTS[format_], ROWS[::-1])
    )
    assert forwards == backwards[::-1]
    assert len(set(forwards)) == len(ROWS)


async def digests(engine: Engine, output: OutputSpec, rows: list[dict[str, object]]) -> list[str]:
    """SHA-256 of each row's file, all of them one batch."""

    async def digest(row: dict[str, object]) -> str:
        job = Job("account", CARD, json.dumps(row).encode(), output)
        return hashlib.sha256((await engine.render(job, Budget(120))).data).hexdigest()

    return await asyncio.gather(*(digest(row) for row in rows))
