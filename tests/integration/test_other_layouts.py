"""Documents that another version wrote: the scheduler says so and does not start."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from services.common import lifecycle
from services.scheduler.app import serve
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import SCHEMA, Database
from services.scheduler.stores import Stores

UNUSABLE = """
from services.common import lifecycle
from services.common.settings import Settings
async def serve(settings, stop):
    raise lifecycle.Unusable("Another disk, please.")
lifecycle.run("test", Settings, serve)
"""


@pytest.fixture
async def database(database: Database) -> Database:
    await database.prepare()
    return database


@pytest.mark.parametrize(
    ("change", "layout"), [({"$set": {"schema": SCHEMA + 1}}, SCHEMA + 1), ({"$unset": {"schema": ""}}, 0)]
)
async def test_a_database_of_another_layout_is_refused(
    database: Database, settings: SchedulerSettings, change: dict[str, dict[str, object]], layout: int
) -> None:
    for account in ("ours", "theirs"):
        await Stores.of(database).accounts.ensure(account, "free", b"secret", 1)
    assert await database.other_layout() is None
    await database.collection("accounts").update_one({"_id": "theirs"}, change)
    with pytest.raises(lifecycle.Unusable, match=f"layout {layout}, and this version reads layout {SCHEMA} only"):
        await serve(settings, asyncio.Event())


async def test_an_empty_database_is_of_no_layout(database: Database) -> None:
    assert await database.other_layout() is None


def test_a_service_that_cannot_work_ends_with_one_sentence() -> None:
    done = subprocess.run([sys.executable, "-c", UNUSABLE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "Another disk, please." in line
