"""Web sites on this machine, the names that lead to them, and the way out of a renderer that may reach them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.renderer.egress.egress import Egress, running_egress
from services.renderer.egress.item import ItemResources
from services.renderer.egress.settings import EgressSettings
from services.renderer.engine.requests import Answer
from tests.support.notifier_receivers import Receiver, receiving

Page = tuple[str, bytes] | web.Response
# What a name resolves to, one answer after another; the last one stays.
Answers = list[tuple[str, ...]]


class Names(AbstractResolver):
    """Knows some names, and that numeric addresses are themselves."""

    def __init__(self, known: Mapping[str, Answers]) -> None:
        self.known = {name: list(answers) for name, answers in known.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.known.get(host)
        if not answers:
            raise OSError("no such name")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Site:
    """A site that answers paths with (media type, bytes), or with a whole response."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self.pages = dict(pages)
        self.delay_seconds = 0.0
        self.receiver: Receiver

    @property
    def port(self) -> int:
        return self.receiver.port

    @property
    def url(self) -> str:
        return f"http://site.example:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [each.path for each in self.receiver.received]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay_seconds)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404)
        if isinstance(page, web.Response):
            return web.Response(status=page.status, headers=page.headers, body=page.body)
        return web.Response(headers={"Content-Type": page[0]}, body=page[1])


@asynccontextmanager
async def running_site(pages: Mapping[str, Page]) -> AsyncIterator[Site]:
    site = Site(pages)
    async with receiving(site.answer) as site.receiver:
        yield site


@asynccontextmanager
async def way_out(
    *ports: int,
    names: Mapping[str, Answers] | Names | None = None,
    open_ports: frozenset[int] = frozenset(),
    **settings: Any,
) -> AsyncIterator[Egress]:
    """A way out on which `site.example` is this machine, and may be reached on some ports.

    Args:
        ports: of `site.example`.
        names: more names, or a resolver of the test's own.
        open_ports: where public addresses may be reached.
        settings: other settings than the defaults.
    """
    allow = ",".join(f"site.example:{port}" for port in ports)
    resolver = names if isinstance(names, Names) else Names({"site.example": [("127.0.0.1",)], **(names or {})})
    async with AsyncExitStack() as closing:
        chosen = EgressSettings(**{"template_allow": allow, **settings})
        egress = await closing.enter_async_context(running_egress(chosen, resolver, open_ports))
        yield egress


async def load(item: ItemResources, url: str, kind: str = "Image", method: str = "GET") -> Answer | None:
    """What an item is given for an address."""
    return await item.answer(url, method, kind)
