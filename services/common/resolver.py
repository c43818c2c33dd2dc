"""Name resolution in threads of its own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult


class Resolver(AbstractResolver):
    """Resolves names with the system's resolver.

    The event loop's own pool looks up two names at a time, so a few names whose servers do not answer would hold up
    everything else that uses it.

    Args:
        lookups: names looked up at the same time; as many as there are concurrent requests.
    """

    def __init__(self, lookups: int) -> None:
        self._threads = ThreadPoolExecutor(lookups, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host, each numeric.

        Raises:
            OSError: there is no such name, or no answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)

    async def close(self) -> None:
        """Take no more names. A lookup under way ends by the system resolver's own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=0)
        for kind, _, proto, _, address in infos
    ]
