"""Requests as they look from outside: of the client beyond the proxies, and without the base path."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.addresses import IPAddress, IPNetwork, parse_address

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_SCHEMES = {"http", "https"}


class Outside:
    """ASGI layer that undoes what proxies did to a request, and answers with addresses that work outside.

    Args:
        app: sees the client's address, scheme and host, and paths that begin where the routes do.
        proxies: networks whose forwarding headers are believed; nobody else's are.
        public_url: what the API is called outside, without a slash at its end; empty when that is not known.
        base_path: the path in it. Routes are reachable with it and without.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[IPNetwork], public_url: str, base_path: str) -> None:
        self._app = app
        self._proxies = proxies
        self._public_url = public_url
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_outside(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if self._public_url and headers.get("location", "").startswith("/"):
                    headers["Location"] = self._public_url + headers["Location"]
            await send(message)

        await self._app(self._from_outside(scope), receive, send_outside)

    def _from_outside(self, scope: Scope) -> Scope:
        raw_path = without_base(scope["raw_path"].decode("latin-1"), self._base_path).encode("latin-1")
        seen = {**scope, "path": without_base(scope["path"], self._base_path), "raw_path": raw_path}
        peer, port = scope["client"]
        if not _within(parse_address(peer), self._proxies):
            return seen
        headers = Headers(scope=scope)
        client = client_of(peer, headers.getlist("x-forwarded-for"), self._proxies)
        # The port that a client came from is not told.
        seen["client"] = (client, port if client == peer else 0)
        scheme, host = _last(headers, "x-forwarded-proto").lower(), _last(headers, "x-forwarded-host")
        if scheme in _SCHEMES:
            seen["scheme"] = scheme
        if _HOST.fullmatch(host):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            seen["headers"] = [(b"host", host.encode()), *others]
        return seen


def client_of(peer: str, forwarded_for: Sequence[str], proxies: Sequence[IPNetwork]) -> str:
    """The address that a request came from.

    Every proxy adds the address of whoever called it at the right end. What a trusted one added is true; whatever
    stands to the left of the first address that is not a trusted proxy's may be made up.

    Args:
        peer: the other end of the connection.
        forwarded_for: values of X-Forwarded-For, in the order of the headers.
        proxies: networks of the trusted proxies.
    """
    seen = peer
    for hop in reversed(",".join(forwarded_for).split(",")):
        if not _within(parse_address(seen), proxies):
            break
        address = _address(hop.strip())
        if address is None:
            break
        seen = str(address)
    return seen


def without_base(path: str, base_path: str) -> str:
    """A path without the base path; unchanged when it does not begin with it."""
    if path == base_path or path.startswith(f"{base_path}/"):
        return path[len(base_path) :] or "/"
    return path


def _within(address: IPAddress | None, networks: Sequence[IPNetwork]) -> bool:
    return address is not None and any(address in network for network in networks)


def _address(hop: str) -> IPAddress | None:
    """One entry of X-Forwarded-For: an address, with a port where a proxy adds it."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    address = None if "%" in hop else parse_address(hop)
    return getattr(address, "ipv4_mapped", None) or address


def _last(headers: Headers, name: str) -> str:
    """The last entry of a list: that of the nearest proxy."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()
