"""A gateway that stops listening while clients keep connecting: each is answered or refused, none is cut off."""

from __future__ import annotations

import asyncio
import http.client
from collections import Counter

import pytest
from starlette.types import Receive, Scope, Send

from services.gateway import parting, server
from tests.support.ports import free_port

STOPS = 6
CALLERS = 6
CALL_SECONDS = 20
SERVED_SECONDS = 0.3


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer anything."""
    await asyncio.sleep(0.001)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def call_until_refused(port: int) -> Counter[str]:
    """Connect for each request until nobody listens any more; how the requests ended."""
    ends: Counter[str] = Counter()
    while not ends["refused"]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_SECONDS)
        try:
            connection.request("GET", "/", headers={"connection": "close"})
            ends[str(connection.getresponse().status)] += 1
        except ConnectionRefusedError:
            ends["refused"] += 1
        except (OSError, http.client.HTTPException) as error:
            ends[repr(error)] += 1
        finally:
            connection.close()
    return ends


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients who never leave are not waited for."""
    monkeypatch.setattr(parting, "PARTING_SECONDS", 0.1)


async def test_whoever_connects_at_the_end_is_answered_or_refused() -> None:
    ends: Counter[str] = Counter()
    for _ in range(STOPS):
        port, stop = free_port(), asyncio.Event()
        serving = asyncio.create_task(server.run(answer, f"127.0.0.1:{port}", stop, CALL_SECONDS))
        await asyncio.sleep(SERVED_SECONDS)
        calling = [asyncio.create_task(asyncio.to_thread(call_until_refused, port)) for _ in range(CALLERS)]
        await asyncio.sleep(SERVED_SECONDS)
        stop.set()
        await serving
        for each in await asyncio.gather(*calling):
            ends.update(each)
    assert ends["204"] > STOPS * CALLERS
    assert set(ends) == {"204", "refused"}
