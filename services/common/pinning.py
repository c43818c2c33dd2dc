"""Requests to hosts that nobody vouches for, over connections to the very addresses that were judged."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver

# Whether a request to a host may connect to a numeric address, on a port.
Permits = Callable[[str, str, int], bool]


class AddressNotAllowedError(OSError):
    """The address may not be reached."""

    def __str__(self) -> str:
        # The same for every address: of equal errors aiohttp keeps the type, of different ones only the text.
        return "address not allowed"


def session(
    host: str, permits: Permits, resolver: AbstractResolver, timeouts: aiohttp.ClientTimeout | None = None
) -> aiohttp.ClientSession:
    """A session for one request to a host.

    No connection, cookie or name outlives it, so each address is judged anew; nothing of the environment (proxies,
    stored passwords) is used. Bodies are not unpacked.
    """
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        force_close=True,
        socket_factory=partial(_open_socket, host, permits),
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeouts or aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


def _open_socket(host: str, permits: Permits, info: aiohttp.AddrInfoType) -> socket.socket:
    # Judged here, on the very address that is connected to next, and not on the URL: a name may
    # resolve to something else each time it is asked for.
    family, kind, proto, _, address = info
    if not permits(host, str(address[0]), int(address[1])):
        raise AddressNotAllowedError
    return socket.socket(family, kind, proto)
