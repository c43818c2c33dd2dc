"""Which addresses a webhook may be sent to, as far as the address itself tells. Pure.

Names are resolved when a delivery is sent, and what they resolve to is checked then.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from services.common.addresses import AllowList, IPAddress, parse_address

MAX_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}


def fault(url: str, allow: AllowList) -> str | None:
    """What is wrong with a receiver's URL; None when nothing is.

    Args:
        url: as the caller gave it.
        allow: addresses that are not public and may be reached all the same.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in _PORTS or port == 0 or any(each.isspace() for each in url):
        return "is an http or https URL with a host"
    if len(url) > MAX_CHARACTERS:
        return f"is at most {MAX_CHARACTERS} characters long"
    if "@" in parts.netloc:
        return "carries no user name or password"
    address = _literal(host)
    if address is not None and not allow.permits(host, str(address), port or _PORTS[parts.scheme]):
        return "is not an address of a private or reserved network"
    return None


def _literal(host: str) -> IPAddress | None:
    """The address that a host stands for without being looked up, in any spelling (`127.1`, `0x7f000001`)."""
    address = parse_address(host)
    if address is None:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeEncodeError):
            return None
    return address
