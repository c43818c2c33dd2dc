"""One POST, against receivers of every temper."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.common.addresses import AllowList
from services.common.resolver import Resolver
from services.notifier.delivery import Answer, Sender
from tests.support.address_forms import NUMERIC, RESOLVED, in_url
from tests.support.notifier_peers import BODY
from tests.support.notifier_receivers import answering_raw, canary, receiving, status
from tests.support.ports import free_port


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    resolver = Resolver(2)
    yield resolver
    await resolver.close()


def _sender(resolver: AbstractResolver, *allow: str, send_seconds: float = 5) -> Sender:
    return Sender(AllowList.parse(",".join(allow)), resolver, send_seconds)


async def test_the_request_is_what_was_signed(resolver: Resolver) -> None:
    async with receiving() as receiver:
        answer = await _sender(resolver, receiver.allowed).post(receiver.url, {"webhook-id": "evt_1"}, BODY)
    assert answer == Answer(200)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook", BODY)
    assert got.headers["webhook-id"] == "evt_1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("Pressline/0.")


async def test_a_redirect_is_an_answer_and_not_followed(resolver: Resolver) -> None:
    async with canary() as bird, receiving(status(307, location=f"http://127.0.0.1:{bird.port}/")) as receiver:
        sender = _sender(resolver, receiver.allowed, f"127.0.0.1:{bird.port}")
        assert await sender.post(receiver.url, {}, BODY) == Answer(307)
        assert bird.connects == 0
    assert len(receiver.received) == 1


async def test_retry_after_is_handed_on(resolver: Resolver) -> None:
    async with receiving(status(429, retry_after="77")) as receiver:
        answer = await _sender(resolver, receiver.allowed).post(receiver.url, {}, BODY)
    assert answer == Answer(429, retry_after="77")


async def test_a_proxy_in_the_environment_is_not_used(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with canary() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await _sender(resolver, receiver.allowed).post(receiver.url, {}, BODY) == Answer(200)
        assert proxy.connects == 0


async def test_a_receiver_that_does_not_answer_is_left(resolver: Resolver) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with receiving(answer) as receiver:
        began = time.monotonic()
        sender = _sender(resolver, receiver.allowed, send_seconds=0.5)
        assert await sender.post(receiver.url, {}, BODY) == Answer(error="timeout")
        assert 0.4 < time.monotonic() - began < 55


async def test_a_receiver_that_drips_its_headers_is_left(resolver: Resolver) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with answering_raw(drip) as port:
        sender = _sender(resolver, f"127.0.0.1:{port}", send_seconds=0.5)
        assert await sender.post(f"http://127.0.0.1:{port}/", {}, BODY) == Answer(error="timeout")


async def test_an_endless_body_is_not_read(resolver: Resolver) -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with answering_raw(pour) as port:
        answer = await _sender(resolver, f"127.0.0.1:{port}").post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert answer == Answer(200)
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", "connection lost"),
        (b"220 mail.example ESMTP\r\n", "invalid response"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", "invalid response"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000, "invalid response"),
    ],
    ids=["nothing", "not HTTP", "long header", "many headers"],
)
async def test_a_receiver_that_speaks_badly_is_a_failed_attempt(resolver: Resolver, reply: bytes, error: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(reply)
        await writer.drain()

    async with answering_raw(speak) as port:
        answer = await _sender(resolver, f"127.0.0.1:{port}").post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert answer == Answer(error=error)


async def test_a_receiver_without_tls_behind_https(resolver: Resolver) -> None:
    async with receiving() as receiver:
        answer = await _sender(resolver, receiver.allowed).post(receiver.url.replace("http:", "https:"), {}, BODY)
    assert answer == Answer(error="tls error")


async def test_a_closed_port(resolver: Resolver) -> None:
    port = free_port()
    answer = await _sender(resolver, f"127.0.0.1:{port}").post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert answer == Answer(error="connection refused")


@pytest.mark.parametrize(
    "url",
    ["", "hook", "ftp://example.com/", "http://", "http://[::1/", "http://127.0.0.1:99999/", "http://1.2.3.4\\@x/"],
)
async def test_a_url_that_is_none(resolver: Resolver, url: str) -> None:
    assert await _sender(resolver).post(url, {}, BODY) == Answer(error="invalid url")


async def test_an_unknown_name(resolver: Resolver) -> None:
    answer = await _sender(resolver).post("http://receiver.invalid/", {}, BODY)
    assert answer == Answer(error="name not resolved")


async def test_the_canary_sings_when_it_is_allowed(resolver: Resolver) -> None:
    async with canary() as bird:
        for host in ("localhost", "127.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"):
            sender = _sender(resolver, "127.0.0.0/8", "::1/128")
            assert await sender.post(f"http://{host}:{bird.port}/", {}, BODY) == Answer(200), host
        assert bird.connects == 5


async def test_no_form_of_a_private_address_is_connected_to(resolver: Resolver) -> None:
    async with canary() as bird:
        hosts = [in_url(host) for host in (*NUMERIC, *RESOLVED, socket.gethostname(), f"{socket.gethostname()}.")]
        urls = [f"http://{host}:{bird.port}/" for host in hosts]
        urls += [f"HTTPS://LocalHost.:{bird.port}/", f"http://example.com@127.0.0.1:{bird.port}/"]
        sender = _sender(resolver, f"127.0.0.1:{bird.port + 1}", f"example.com:{bird.port}")
        errors = {url: (await sender.post(url, {}, BODY)).error for url in urls}
        assert bird.connects == 0
    refused = {"address not allowed", "invalid url", "name not resolved"}
    assert {url: error for url, error in errors.items() if error not in refused} == {}
    assert [errors[url] for url in urls[: len(NUMERIC)]] == ["address not allowed"] * len(NUMERIC)


class _Names(AbstractResolver):
    """Answers a name with one set of addresses after another, as a rebinding name server does."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_is_judged_by_the_address_of_each_attempt() -> None:
    async with canary() as bird:
        names = _Names(("127.0.0.1",), ("127.0.0.2",), ("127.0.0.2", "127.0.0.3"))
        sender = _sender(names, "127.0.0.1/32")
        url = f"http://rebound.example:{bird.port}/"
        assert await sender.post(url, {}, BODY) == Answer(200)
        assert await sender.post(url, {}, BODY) == Answer(error="address not allowed")
        assert await sender.post(url, {}, BODY) == Answer(error="address not allowed")
        assert bird.connects == 1


async def test_of_mixed_addresses_only_the_allowed_is_tried() -> None:
    async with canary() as bird:
        sender = _sender(_Names(("127.0.0.2", "127.0.0.1", "127.0.0.3")), f"127.0.0.1:{bird.port}")
        assert await sender.post(f"http://mixed.example:{bird.port}/", {}, BODY) == Answer(200)
        assert bird.connects == 1


async def test_a_resolver_that_answers_with_a_name_is_not_asked_again() -> None:
    async with canary() as bird:
        sender = _sender(_Names(("localhost",)), "127.0.0.0/8", "::1/128")
        answer = await sender.post(f"http://alias.example:{bird.port}/", {}, BODY)
        assert answer == Answer(error="address not allowed")
        assert bird.connects == 0


async def test_slow_names_do_not_hold_up_others(resolver: Resolver) -> None:
    # One of the two threads waits for an answer that does not come.
    release = os.pipe()
    resolver._threads.submit(os.read, release[0], 1)
    try:
        async with receiving() as receiver:
            url = receiver.url.replace("127.0.0.1", "localhost")
            assert await _sender(resolver, receiver.allowed).post(url, {}, BODY) == Answer(200)
    finally:
        os.write(release[1], b"x")
        for end in release:
            os.close(end)
