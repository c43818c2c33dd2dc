"""Where and when an item is rendered, as the scripts of its document see it."""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from pathlib import Path

from pressline.task.v1.task_pb2 import Task
from services.renderer.engine.model import Document, Environment
from services.renderer.engine.tab import Tab

_CLOCK = Path(__file__).parent.parent / "web" / "clock.js"


def of_task(task: Task) -> Environment:
    """The environment of a claimed item; without a clock it is the time at which its batch was accepted."""
    given = task.environment
    fixed = given.HasField("clock")
    now = (given.clock if fixed else task.batch_create_time).ToMilliseconds()
    return Environment(given.timezone or "UTC", given.locale or "en-US", now, fixed)


async def enter(tab: Tab, environment: Environment) -> None:
    """Set the time zone and the locale that the scripts of a tab find.

    Without scripts there is nothing to set: a document looks the same in every one.
    """
    place = (environment.timezone, environment.locale)
    if tab.place == place:
        return
    tab.place = ()
    # Pages are told the language without Unicode's extensions, which say how to format.
    language = re.split("-u-", environment.locale, flags=re.IGNORECASE)[0]
    await tab.send("Emulation.setTimezoneOverride", timezoneId=environment.timezone)
    await tab.send("Emulation.setLocaleOverride", locale=environment.locale)
    await tab.send("Emulation.setUserAgentOverride", userAgent="", acceptLanguage=language)
    tab.place = place


def script(environment: Environment, document: Document) -> str:
    """What gives the scripts of a document their clock, and random numbers that follow from what it holds."""
    parameters = {"now": environment.now_ms, "seed": zlib.crc32(document.html.encode())}
    return f"{_clock()}({json.dumps(parameters)});"


@cache
def _clock() -> str:
    return _CLOCK.read_text().rstrip()
