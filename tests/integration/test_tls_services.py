"""Services over TLS: REST, the gateway's calls of the scheduler, and probes."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common.addresses import AllowList
from services.common.tls import ChannelTls
from services.scheduler.settings import SchedulerSettings
from tests.support.certificates import Authority, Identity
from tests.support.gateway_inside import Gateway, running_gateway
from tests.support.notifier_receivers import receiving
from tests.support.ports import free_port
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

LOCAL = "127.0.0.1"
SECONDS = 30
RENDER_SECONDS = 120


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def client_identity(authority: Authority) -> Identity:
    return authority.issue("client")


@pytest.fixture(scope="module")
def settings(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, authority: Authority
) -> SchedulerSettings:
    """Of a scheduler that asks everyone for a certificate."""
    server = authority.issue("scheduler", LOCAL)
    files = {"cert": server.cert, "key": server.key, "client_ca": authority.ca}
    tls = {f"scheduler{listener}_tls_{name}": path for listener in ("", "_internal") for name, path in files.items()}
    health = f"{LOCAL}:{free_port()}"
    others = {"scheduler_health_listen": health, "webhook_allow": AllowList.parse("127.0.0.0/8")}
    return scheduler_settings(nats_server, mongodb_server, s3_server, **tls, **others)


@pytest.fixture(scope="module")
async def account(
    settings: SchedulerSettings, authority: Authority, client_identity: Identity
) -> AsyncIterator[Client]:
    tls = ChannelTls(authority.ca, client_identity.cert, client_identity.key)
    async with running_scheduler(settings, tls) as anonymous:
        yield await anonymous.as_account("acme")


def believing(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.ca)


def gateway_files(authority: Authority, shown: Identity) -> dict[str, Any]:
    """Settings of a gateway that calls the scheduler over TLS."""
    return {
        "scheduler_tls_ca": authority.ca,
        "scheduler_internal_tls_ca": authority.ca,
        "client_tls_cert": shown.cert,
        "client_tls_key": shown.key,
    }


@pytest.fixture
async def gateway(
    settings: SchedulerSettings, authority: Authority, client_identity: Identity
) -> AsyncIterator[Gateway]:
    """With a certificate that the test may replace."""
    own = authority.issue("gateway", LOCAL)
    files: dict[str, object] = {"gateway_tls_cert": own.cert, "gateway_tls_key": own.key}
    verify = believing(authority)
    async with running_gateway(
        settings, verify=verify, **files, **gateway_files(authority, client_identity)
    ) as running:
        yield running


@asynccontextmanager
async def service(name: str, settings: SchedulerSettings, files: dict[str, Any], **changes: str) -> AsyncIterator[None]:
    """A process of a service beside the scheduler, until the end of the block."""
    values = {
        "nats_url": settings.nats_url,
        "s3_url": settings.s3_url,
        "s3_access_key": settings.s3_access_key,
        "s3_secret_key": settings.s3_secret_key.get_secret_value(),
        "s3_bucket": settings.s3_bucket,
        "service_token": settings.service_token.get_secret_value(),
        "scheduler_internal_address": settings.scheduler_internal_listen,
        f"{name}_health_listen": f"{LOCAL}:{free_port()}",
        **files,
        **changes,
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PRESSLINE_")}
    environment |= {f"PRESSLINE_{key.upper()}": str(value) for key, value in values.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", f"services.{name}", env=environment)
    try:
        yield
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_a_batch_goes_through_tls_all_the_way(
    gateway: Gateway,
    account: Client,
    settings: SchedulerSettings,
    authority: Authority,
    client_identity: Identity,
) -> None:
    files = gateway_files(authority, client_identity)
    async with receiving() as receiver, gateway.client(account.key) as rest:
        assert (await rest.get("/readyz")).status_code == 200
        body = {"items": [{"html": "x"}], "webhook_url": receiver.url}
        created = await rest.post("/v1/batches", json=body)
        assert created.status_code == 202, created.text
        async with (
            asyncio.timeout(RENDER_SECONDS),
            service("renderer", settings, files, renderer_browsers="1"),
            service("notifier", settings, files, webhook_allow=receiver.allowed),
        ):
            events = await rest.get(f"/v1/batches/{created.json()['id']}/events", timeout=RENDER_SECONDS)
            while not receiver.received:
                await asyncio.sleep(0.05)
    last = json.loads(events.text.rpartition("data: ")[2])
    assert (last["status"], last["completed"]) == ("completed", 1)
    assert json.loads(receiver.received[0].body)["data"]["status"] == "completed"


async def test_a_client_that_does_not_know_the_authority_stays_away(gateway: Gateway, tmp_path: Path) -> None:
    for verify in (believing(Authority(tmp_path)), ssl.create_default_context()):
        async with httpx2.AsyncClient(verify=verify, trust_env=False, timeout=60) as rest:
            with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
                await rest.get(f"{gateway.url}/healthz")


async def test_plain_http_gets_no_answer_at_a_tls_port(gateway: Gateway) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as rest:
        with pytest.raises(httpx2.TransportError):
            await rest.get(f"{gateway.url.replace('https', 'http')}/healthz")


async def test_a_new_certificate_is_shown_to_new_connections(gateway: Gateway, authority: Authority) -> None:
    async def alive() -> None:
        async with httpx2.AsyncClient(verify=believing(authority), trust_env=False, timeout=60) as rest:
            assert (await rest.get(f"{gateway.url}/healthz")).status_code == 200

    await alive()
    authority.issue("gateway", LOCAL, ends_in=timedelta(days=-1))
    with pytest.raises(httpx2.ConnectError, match="certificate has expired"):
        await alive()
    authority.issue("gateway", LOCAL)
    await alive()
    # A certificate without its key is not taken: the one before goes on.
    (authority.folder / "gateway.pem").write_bytes((authority.folder / "client.pem").read_bytes())
    await alive()


async def test_a_process_of_its_own_shows_new_certificates_too(settings: SchedulerSettings, tmp_path: Path) -> None:
    """It runs on another event loop than these tests do."""
    port, authorities = free_port(), [Authority(tmp_path / name) for name in ("before", "after")]
    shown = authorities[0].issue("gateway", LOCAL)
    files: dict[str, Any] = {"gateway_tls_cert": shown.cert, "gateway_tls_key": shown.key}
    async with asyncio.timeout(SECONDS), service("gateway", settings, files, gateway_listen=f"{LOCAL}:{port}"):
        for authority in authorities:
            own = authority.issue("gateway", LOCAL)
            shown.cert.write_bytes(own.cert.read_bytes())
            shown.key.write_bytes(own.key.read_bytes())
            async with httpx2.AsyncClient(verify=believing(authority), trust_env=False, timeout=60) as rest:
                while not await answers(rest, f"https://{LOCAL}:{port}/healthz"):
                    await asyncio.sleep(0.1)


async def answers(rest: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await rest.get(url)).status_code == 200
    except httpx2.ConnectError as error:
        if "certificate" in str(error):
            raise
        return False


async def test_a_gateway_that_the_scheduler_does_not_know_is_not_ready(
    settings: SchedulerSettings, account: Client, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path)
    unknown = gateway_files(authority, stranger.issue("client"))
    doubting = gateway_files(stranger, authority.issue("another"))
    nothing: dict[str, Any] = {}
    for files in (unknown, doubting, nothing):
        async with running_gateway(settings, **files) as gateway, gateway.client(account.key) as rest:
            assert (await rest.get("/readyz")).status_code == 503


async def test_probes_need_no_certificate(settings: SchedulerSettings, account: Client) -> None:
    assert settings.scheduler_health_listen
    async with grpc.aio.insecure_channel(settings.scheduler_health_listen) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
