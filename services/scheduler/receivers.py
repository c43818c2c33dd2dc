"""Webhook receivers, as far as their addresses tell: which are allowed, and which are one and the same. Pure.

Names are resolved when a delivery is sent, and what they resolve to is checked then.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv4Address
from urllib.parse import unquote, urlsplit

from services.common.addresses import AllowList, IPAddress, parse_address

MAX_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}
_NO_URL = "is an http or https URL with a host"
_LOOPBACK = IPv4Address("127.0.0.1")
# The last label of a name is never a number: such a host is an address, or nothing.
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*(?!\d+$|0x[0-9a-f]*$)[a-z0-9_-]{1,63}")


def fault(url: str, allow: AllowList) -> str | None:
    """What is wrong with a receiver's URL; None when nothing is.

    Args:
        url: as the caller gave it.
        allow: addresses that are not public and may be reached all the same.
    """
    if len(url) > MAX_CHARACTERS:
        return f"is at most {MAX_CHARACTERS} characters long"
    try:
        parts = urlsplit(url)
        host, port = _canonical(parts.hostname or ""), parts.port
    except ValueError:
        return _NO_URL
    address = _literal(host)
    is_host = address is not None or _NAME.fullmatch(host)
    if not is_host or parts.scheme not in _PORTS or port == 0 or " " in url or not url.isprintable():
        return _NO_URL
    if "@" in parts.netloc:
        return "carries no user name or password"
    if address is not None and not allow.permits(host, str(address), port or _PORTS[parts.scheme]):
        return "is not an address of a private or reserved network"
    return None


def host_and_port(url: str) -> str:
    """What deliveries to one receiver have in common; empty for a URL that has none."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    except (ValueError, KeyError):
        return ""


class Room:
    """How many more deliveries each receiver may be given at a time.

    Args:
        most: for each receiver; 0 for any number.
        held: what each has already.
    """

    def __init__(self, most: int = 0, held: Mapping[str, int] | None = None) -> None:
        self._most = most
        self._held = Counter(held)

    @property
    def full(self) -> list[str]:
        """The receivers that may be given no more."""
        return sorted(receiver for receiver, held in self._held.items() if self._most and held >= self._most)

    def take(self, receiver: str) -> bool:
        """Give a receiver one more; false when it is full."""
        if self._most and self._held[receiver] >= self._most:
            return False
        self._held[receiver] += 1
        return True


def _canonical(host: str) -> str:
    """The host as a client looks it up: unescaped, and digits and dots of other scripts made ours.

    Raises:
        ValueError: it is none.
    """
    if parse_address(host) is not None:
        return host
    return unquote(host).encode("idna").decode().lower().removesuffix(".")


def _literal(host: str) -> IPAddress | None:
    """The address that a host stands for without being looked up, in any spelling (`127.1`, `0x7f000001`)."""
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    address = parse_address(host)
    if address is None:
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return address
