"""How a service lives: read settings, run until SIGTERM or SIGINT, drain, exit."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from services.common import logging
from services.common.settings import Settings

S = TypeVar("S", bound=Settings)
log = structlog.get_logger()


def run(service: str, settings_type: type[S], serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    """Run `serve` until it returns; the event it is given is set when the process is asked to stop.

    Unusable settings end the process with exit code 2 and one sentence per setting; any other failure with 1.
    """
    settings = _read(settings_type)
    logging.configure(service, settings.log_level)
    try:
        uvloop.run(_until_stopped(settings, serve))
    except Exception as error:
        log.exception("service.failed", error=str(error))
        sys.exit(1)


async def every(seconds: float, stop: asyncio.Event, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Repeat an action until stopped. A failure is logged and the next round tries again."""
    while not stop.is_set():
        try:
            await action()
        except Exception as error:
            log.warning("periodic.failed", action=getattr(action, "__name__", str(action)), error=repr(error))
        await wait(stop, seconds)


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; true when it happened."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _read(settings_type: type[S]) -> S:
    try:
        return settings_type()
    except ValidationError as error:
        for item in error.errors():
            name = "PRESSLINE_" + "_".join(str(part) for part in item["loc"]).upper()
            print(f"{name}: {item['msg']}", file=sys.stderr)  # noqa: T201 - logging is not set up yet
        sys.exit(2)


async def _until_stopped(settings: S, serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)
