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

from services.common import failpoints, logging
from services.common.settings import Settings

S = TypeVar("S", bound=Settings)
T = TypeVar("T")
RETRY_SECONDS = 1.0
log = structlog.get_logger()


def run(service: str, settings_type: type[S], serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    """Run `serve` until it returns; the event it is given is set when the process is asked to stop.

    Stopping it while it still waits for a server is a clean end too. Unusable settings end the process
    with exit code 2 and one sentence per setting, and so does `Unusable`; any other failure with 1.
    """
    settings = _read(settings_type)
    logging.configure(service, settings.log_level)
    failpoints.arm(service, settings.failpoint)
    try:
        uvloop.run(_until_stopped(settings, serve))
    except Unusable as error:
        log.error("service.unusable", error=str(error))  # noqa: TRY400 - where it was found helps nobody
        sys.exit(2)
    except Stopped:
        log.info("service.stopped", while_="waiting for a server")
    except Exception as error:
        log.exception("service.failed", error=str(error))
        sys.exit(1)


class Unusable(Exception):  # noqa: N818 - not a fault of the program
    """The service cannot work with what it was given; the text is a sentence for the operator."""


class Stopped(Exception):  # noqa: N818 - not an error
    """The process was asked to stop before it was up."""


async def unless_stopped(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    """Await something that start-up cannot do without.

    Raises:
        Stopped: the process was asked to stop first.
    """
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Stopped
        return working.result()
    finally:
        working.cancel()
        stopping.cancel()


async def until_done(action: Callable[[], Coroutine[Any, Any, None]], transient: tuple[type[Exception], ...]) -> None:
    """Repeat an action for as long as it fails in a way that may pass."""
    while True:
        try:
            return await action()
        except transient as error:
            log.warning("start.waiting", action=getattr(action, "__name__", ""), error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)


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
            name = "_".join(str(part) for part in item["loc"]).upper()
            message = item["msg"].removeprefix("Value error, ")
            # What is wrong with several settings together names them itself.
            print(f"PRESSLINE_{name}: {message}" if name else message, file=sys.stderr)  # noqa: T201 - no logging yet
        sys.exit(2)


async def _until_stopped(settings: S, serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)
