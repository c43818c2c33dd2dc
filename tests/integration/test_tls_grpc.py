"""gRPC over TLS: whom a listener lets in, whom a channel believes, and certificates that change while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common import rpc
from services.common.errors import PresslineError
from services.common.tls import ChannelTls, ListenerTls
from tests.support.certificates import Authority, Identity
from tests.support.ports import free_port

LOCAL = "127.0.0.1"
CALL_SECONDS = 60
# A refusal is final only for the test: the channel itself would try again until the deadline.
REFUSAL_SECONDS = 2


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "strangers")


@asynccontextmanager
async def listening(identity: Identity, client_ca: Path | None = None, port: int | None = None) -> AsyncIterator[str]:
    """The address of a listener."""
    tls = ListenerTls(identity.cert, identity.key, client_ca)
    server = rpc.Server(f"{LOCAL}:{port or free_port()}", tls=tls)
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop(0)


async def answers(address: str, tls: ChannelTls | None, seconds: float = CALL_SECONDS) -> bool:
    """Whether a channel of its own gets an answer."""
    async with rpc.channel(address, tls=tls) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check
        try:
            answer = await call(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                raise
            return False
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    return True


async def refuses(address: str, tls: ChannelTls | None) -> bool:
    return not await answers(address, tls, REFUSAL_SECONDS)


def shown(authority: Authority, identity: Identity) -> ChannelTls:
    """A channel that believes an authority and shows a certificate."""
    return ChannelTls(authority.ca, identity.cert, identity.key)


async def test_a_channel_believes_its_authority_only(authority: Authority, stranger: Authority) -> None:
    async with listening(authority.issue("server", LOCAL)) as address:
        assert await answers(address, ChannelTls(authority.ca))
        assert await refuses(address, ChannelTls(stranger.ca))
        assert await refuses(address, None)


async def test_a_certificate_is_for_its_names_only(authority: Authority) -> None:
    async with listening(authority.issue("server", "localhost")) as address:
        port = address.partition(":")[2]
        assert await answers(f"localhost:{port}", ChannelTls(authority.ca))
        assert await refuses(address, ChannelTls(authority.ca))


async def test_an_expired_server_is_not_believed(authority: Authority) -> None:
    async with listening(authority.issue("server", LOCAL, ends_in=timedelta(days=-1))) as address:
        assert await refuses(address, ChannelTls(authority.ca))


async def test_a_channel_with_tls_does_not_talk_to_a_plain_listener(authority: Authority) -> None:
    server = rpc.Server(f"{LOCAL}:{free_port()}")
    await server.start()
    try:
        assert await answers(server.address, None)
        assert await refuses(server.address, ChannelTls(authority.ca))
    finally:
        await server.stop(0)


async def test_a_listener_with_a_client_authority_asks_for_a_certificate(
    authority: Authority, stranger: Authority
) -> None:
    server, client = authority.issue("server", LOCAL), authority.issue("client")
    expired = authority.issue("expired", ends_in=timedelta(days=-1))
    async with listening(server, authority.ca) as address:
        assert await answers(address, shown(authority, client))
        assert await refuses(address, ChannelTls(authority.ca))
        assert await refuses(address, shown(authority, stranger.issue("client")))
        assert await refuses(address, shown(authority, expired))
        assert await refuses(address, None)


async def test_clients_may_have_an_authority_of_their_own(authority: Authority, stranger: Authority) -> None:
    server, client = authority.issue("server", LOCAL), stranger.issue("client")
    async with listening(server, stranger.ca) as address:
        assert await answers(address, shown(authority, client))
        assert await refuses(address, shown(authority, authority.issue("client")))


async def test_a_taken_address_is_named(authority: Authority) -> None:
    identity = authority.issue("server", LOCAL)
    async with listening(identity) as address:
        with pytest.raises(PresslineError, match=f"Cannot listen on {address}"):
            await rpc.Server(address, tls=ListenerTls(identity.cert, identity.key)).start()


async def test_several_addresses_share_the_name_of_the_first(authority: Authority) -> None:
    ports = [free_port(), free_port()]
    async with (
        listening(authority.issue("one", "localhost"), port=ports[0]),
        listening(authority.issue("two", "localhost"), port=ports[1]),
    ):
        assert await answers(f"localhost:{ports[0]},{LOCAL}:{ports[1]}", ChannelTls(authority.ca))
        # The first that was named decides, and this one's name is in no certificate.
        assert await refuses(f"{LOCAL}:{ports[0]},localhost:{ports[1]}", ChannelTls(authority.ca))


async def test_new_certificates_are_shown_to_new_connections(authority: Authority, stranger: Authority) -> None:
    before = authority.issue("server", LOCAL)
    async with listening(before) as address:
        assert await answers(address, ChannelTls(authority.ca))
        renewed = stranger.issue("server", LOCAL)
        before.cert.write_bytes(renewed.cert.read_bytes())
        # The key is still the old one: what went together before is kept until both are there.
        assert await answers(address, ChannelTls(authority.ca))
        before.key.write_bytes(renewed.key.read_bytes())
        assert await answers(address, ChannelTls(stranger.ca))
        assert await refuses(address, ChannelTls(authority.ca))


async def test_a_new_client_authority_counts_for_new_connections(authority: Authority, stranger: Authority) -> None:
    client_ca = authority.folder / "clients.pem"
    client_ca.write_bytes(authority.ca.read_bytes())
    ours, theirs = authority.issue("client"), stranger.issue("client")
    async with listening(authority.issue("server", LOCAL), client_ca) as address:
        assert await refuses(address, shown(authority, theirs))
        client_ca.write_bytes(stranger.ca.read_bytes())
        assert await answers(address, shown(authority, theirs))
        assert await refuses(address, shown(authority, ours))
