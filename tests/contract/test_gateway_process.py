"""The gateway as a process: how it starts, what it says without a scheduler, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.ports import free_port
from tests.support.scheduler import TOKEN, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

GATEWAY = str(Path(sys.executable).parent / "pressline-gateway")
START_SECONDS = 60
END_SECONDS = 60
CALL_SECONDS = 60
BODY = b'{"items": [{"html": "x"}]}'


@dataclass
class Gateway:
    """A running gateway."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> str:
        """SIGTERM; it must end well, and its log is returned."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(0)

    async def ended(self, code: int) -> str:
        _, said = await asyncio.wait_for(self.process.communicate(), END_SECONDS)
        assert self.process.returncode == code, said
        return said.decode()


async def start(port: int, **settings: str) -> Gateway:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}
    environment["PRESSLINE_GATEWAY_LISTEN"] = f"127.0.0.1:{port}"
    environment.update({f"PRESSLINE_{name.upper()}": value for name, value in settings.items()})
    process = await asyncio.create_subprocess_exec(GATEWAY, env=environment, stderr=asyncio.subprocess.PIPE)
    return Gateway(process, port)


@asynccontextmanager
async def gateway(**settings: str) -> AsyncIterator[Gateway]:
    """A gateway that listens, until the end of the block."""
    running = await start(free_port(), service_token=TOKEN, **settings)
    try:
        async with asyncio.timeout(START_SECONDS), httpx2.AsyncClient(trust_env=False, timeout=CALL_SECONDS) as client:
            while running.process.returncode is None:
                try:
                    await client.get(f"{running.url}/healthz")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
        yield running
    finally:
        if running.process.returncode is None:
            running.process.kill()
            await running.process.communicate()


@pytest.fixture
def nowhere() -> dict[str, str]:
    """Addresses that nobody listens on."""
    return {
        "scheduler_address": f"127.0.0.1:{free_port()}",
        "scheduler_internal_address": f"127.0.0.1:{free_port()}",
    }


async def test_without_a_scheduler_it_lives_but_is_not_ready(nowhere: dict[str, str]) -> None:
    async with (
        gateway(**nowhere) as running,
        httpx2.AsyncClient(base_url=running.url, trust_env=False, timeout=CALL_SECONDS) as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        answer = await client.get("/v1/usage", headers={"Authorization": "Bearer some-key"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
        assert "some-key" not in await running.stop()


async def test_it_waits_for_a_scheduler_that_comes_later(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    addresses = (settings.scheduler_listen, settings.scheduler_internal_listen)
    async with gateway(scheduler_address=addresses[0], scheduler_internal_address=addresses[1]) as running:
        async with httpx2.AsyncClient(base_url=running.url, trust_env=False, timeout=CALL_SECONDS) as client:
            assert (await client.get("/readyz")).status_code == 503
            async with running_scheduler(settings), asyncio.timeout(START_SECONDS):
                while (await client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.1)
        await running.stop()


async def test_sigterm_turns_it_unready_at_once_and_lets_requests_finish(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    addresses = (settings.scheduler_listen, settings.scheduler_internal_listen)
    async with (
        running_scheduler(settings) as scheduler,
        gateway(scheduler_address=addresses[0], scheduler_internal_address=addresses[1]) as running,
    ):
        key = (await scheduler.as_account("draining")).key
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nExpect: 100-continue\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode())
        # The gateway asks for the body: from here on the request is in flight.
        assert b"100" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), START_SECONDS)

        running.process.send_signal(signal.SIGTERM)
        assert not await ready_within(running, seconds=60)
        writer.write(BODY)
        answer = await asyncio.wait_for(reader.read(), END_SECONDS)
        assert answer.startswith(b"HTTP/1.1 202 ")
        writer.close()
        await running.ended(0)


async def ready_within(running: Gateway, seconds: float) -> bool:
    """Whether probes still succeed so long after; a refused connection is a failed probe."""
    async with httpx2.AsyncClient(trust_env=False, timeout=CALL_SECONDS) as client:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            try:
                if (await client.get(f"{running.url}/readyz")).status_code != 200:
                    return False
            except httpx2.TransportError:
                return False
            await asyncio.sleep(0.02)
    return True


async def test_a_missing_setting_is_named(nowhere: dict[str, str]) -> None:
    running = await start(free_port(), **nowhere)
    assert "PRESSLINE_SERVICE_TOKEN" in await running.ended(2)


async def test_a_taken_address_is_named_and_no_secret_is_logged(nowhere: dict[str, str]) -> None:
    async with gateway(**nowhere) as first:
        second = await start(first.port, service_token="a-secret-token", **nowhere)
        said = await second.ended(1)
        assert f"Cannot listen on 127.0.0.1:{first.port}" in said
        assert "a-secret-token" not in said
        await first.stop()
