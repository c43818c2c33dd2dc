"""A webhook receiver that notes which ids came for what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pressline_local.ports import HOST


class Hooks:
    """Attributes: `received`, how often each `webhook-id` came to each address."""

    def __init__(self) -> None:
        self.received: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._base = ""

    def address(self, name: str) -> str:
        """The address that goes by a name."""
        return f"{self._base}/{name}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer every request with 204 until the end of the block."""
        application = web.Application()
        application.router.add_post("/{name}", self._receive)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            self._base = f"http://{HOST}:{runner.addresses[0][1]}"
            yield
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.received[request.match_info["name"]][request.headers["webhook-id"]] += 1
        return web.Response(status=204)
