"""The consumer loop on a real NATS server, one that is killed included."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pressline_local import servers
from services.common import bus
from services.common.bus import Bus
from services.common.consumer import Again, Consumer, Done, MessageHandler, Verdict
from tests.support.servers import UrlServer, kill, own_child


@asynccontextmanager
async def consuming(
    connection: Bus, handler: MessageHandler, slots: int = 2, drain: float = 5
) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(Consumer(connection, bus.NOTIFY, slots, handler).run(stop, drain))
    try:
        yield stop
    finally:
        stop.set()
        await running


@pytest.fixture
async def connection(nats_server: UrlServer) -> AsyncIterator[Bus]:
    connected = await Bus.connect(nats_server.url, "test")
    await connected.jetstream.purge_stream(bus.EVENTS_STREAM)
    yield connected
    await connected.close()


async def publish(connection: Bus, *payloads: bytes) -> None:
    for payload in payloads:
        await connection.publish(bus.EVENTS, payload, secrets.token_hex(8))


async def until(condition: asyncio.Event, seconds: float = 60) -> None:
    await asyncio.wait_for(condition.wait(), seconds)


async def test_every_message_is_handled_once_in_bounded_parallel(connection: Bus) -> None:
    seen: Counter[bytes] = Counter()
    everything = asyncio.Event()
    running = most = 0
    full = asyncio.Event()

    async def handle(payload: bytes) -> Verdict:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0.01)
        running -= 1
        seen[payload] += 1
        if len(seen) == 30:
            everything.set()
        return Done()

    await publish(connection, *(b"%d" % i for i in range(30)))
    async with consuming(connection, handle, slots=3):
        await until(everything)
    assert set(seen.values()) == {1}
    assert most == 3
    assert await connection.waiting(bus.NOTIFY) == 0


async def test_a_message_comes_again_when_asked_and_after_a_failure(connection: Bus) -> None:
    times: list[float] = []
    handled = asyncio.Event()

    async def handle(_payload: bytes) -> Verdict:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            return Again(0.5)
        handled.set()
        return Done()

    await publish(connection, b"x")
    async with consuming(connection, handle):
        await until(handled)
    assert times[1] - times[0] > 0.4


async def test_stopping_waits_for_running_handlers_then_returns_their_messages(connection: Bus) -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def slow(_payload: bytes) -> Verdict:
        started.set()
        await asyncio.sleep(0.5)
        finished.set()
        return Done()

    await publish(connection, b"x")
    async with consuming(connection, slow, drain=60) as stop:
        await until(started)
        stop.set()
    assert finished.is_set()

    again = asyncio.Event()
    started.clear()

    async def endless(_payload: bytes) -> Verdict:
        started.set()
        await asyncio.sleep(60)
        return Done()

    async def note(_payload: bytes) -> Verdict:
        again.set()
        return Done()

    await publish(connection, b"y")
    async with consuming(connection, endless, drain=0.1):
        await until(started)
    async with consuming(connection, note):
        await until(again)


async def test_a_killed_server_loses_no_message(tmp_path: Path) -> None:
    seen: set[bytes] = set()
    everything = asyncio.Event()

    async def handle(payload: bytes) -> Verdict:
        await asyncio.sleep(0.02)
        seen.add(payload)
        if len(seen) == 60:
            everything.set()
        return Done()

    async with own_child(servers.nats, tmp_path / "nats") as (server, child):
        connection = await Bus.connect(server.settings["PRESSLINE_NATS_URL"], "test")
        try:
            await publish(connection, *(b"%d" % i for i in range(60)))
            async with consuming(connection, handle):
                await asyncio.sleep(0.2)
                await kill(child)
                await until(everything)
        finally:
            await connection.close()
