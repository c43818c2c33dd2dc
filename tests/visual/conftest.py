"""One engine for all pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.renderer.engine.engine import Engine
from tests.support.renderer import running_engine


@pytest.fixture(scope="package")
async def engine() -> AsyncIterator[Engine]:
    # Two browsers: one that has run scripts of an account is replaced before another account comes to it.
    async with running_engine(browsers=2) as running:
        yield running
