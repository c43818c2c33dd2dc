"""Receivers of webhooks, well behaved and not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.ports import free_port


@dataclass
class Received:
    """A POST as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that keeps what it got and answers as it is told."""

    port: int
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    received: list[Received] = field(default_factory=list)
    most_at_once: int = 0
    in_progress: int = 0

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def allowed(self) -> str:
        """Its entry in the allow list."""
        return f"127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep the request, then answer it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.read()))
        self.in_progress += 1
        self.most_at_once = max(self.most_at_once, self.in_progress)
        try:
            return await self.answer(request)
        finally:
            self.in_progress -= 1


async def accept(request: web.Request) -> web.StreamResponse:
    """Say yes."""
    return web.Response(text="ok")


def status(code: int, **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer with a status."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return answer


@asynccontextmanager
async def receiving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = accept,
) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(0, answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = int(runner.addresses[0][1])
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Canary:
    """A listener on every address of this machine that nobody must connect to."""

    port: int
    connects: int = 0


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """Listen on IPv4 and IPv6 at one port and count connections."""
    bird = Canary(free_port())

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bird.connects += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connected, None, bird.port)
    async with server:
        yield bird


@asynccontextmanager
async def answering_raw(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Run a TCP server that need not speak HTTP well; gives its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
