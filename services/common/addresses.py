"""Which addresses outgoing connections may reach: public ones, and those the operator lists.

Names and numeric spellings are the resolver's business. This module judges the numeric address that is about to be
connected to, so that no spelling (`127.1`, `0x7f000001`, a name that resolves to loopback) gets past it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# Python's own is_global and is_private disagree with this list in both directions, so it is spelled out.
_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the own machine
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and metadata services of some clouds
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent, a public number that is not public
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # retired 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Everything outside global unicast is refused: loopback, IPv4-compatible, local-use NAT64 (64:ff9b:1::/48, where the
# place of the IPv4 address is the site's own choice), discard-only, unique local, link-local, site-local, multicast.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")

# The last label of a name is never a number; if it is, a resolver reads the whole as an address.
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*(?!0x|\d+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_MAX_PORT = 65_535


def is_public(address: IPAddress) -> bool:
    """True when the address, and every IPv4 address that it carries inside, is on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    carried = _carried(address)
    if carried:
        return all(is_public(inner) for inner in carried)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _REFUSED_V6)


def parse_address(text: str) -> IPAddress | None:
    """The address that a canonical numeric spelling stands for; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def canonical_host(host: str) -> str:
    """A host in the form in which it is compared: a lower-case name, or the numeric address that it stands for."""
    literal = parse_address(host)
    return host.lower().removesuffix(".") if literal is None else str(_unmapped(literal))


def is_host(canonical: str) -> bool:
    """Whether a text in canonical form is the name of a host or a numeric address."""
    return parse_address(canonical) is not None or _NAME.fullmatch(canonical) is not None


@dataclass(frozen=True)
class AllowList:
    """Exceptions that the operator makes from "public addresses only". Empty allows nothing more.

    Attributes:
        networks: addresses that may be reached on any port.
        endpoints: (host, port) pairs; the host is a lower-case name or a numeric address.
    """

    networks: tuple[IPNetwork, ...] = ()
    endpoints: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> AllowList:
        """Read comma-separated CIDRs (`10.0.0.0/8`) and host:port pairs (`hooks.internal:443`, `[fd00::1]:80`).

        Raises:
            ValueError: an entry is neither; the message names it.
        """
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        return cls(
            networks=tuple(_network(entry) for entry in entries if "/" in entry),
            endpoints=frozenset(_endpoint(entry) for entry in entries if "/" not in entry),
        )

    def permits(self, host: str, address: str, port: int) -> bool:
        """Whether a request to `host` may connect to `address`, the numeric address that the host resolved to.

        Anything but a numeric address is refused: connecting to a name would resolve it once more.
        """
        target = parse_address(address)
        if target is None:
            return False
        return is_public(target) or self.lists(host, address, port)

    def lists(self, host: str, address: str, port: int) -> bool:
        """Whether an entry names the host, or the numeric address that it resolved to."""
        target = parse_address(address)
        if target is None:
            return False
        target, host = _unmapped(target), canonical_host(host)
        named = (host, port) in self.endpoints or (str(target), port) in self.endpoints
        return named or any(target in network for network in self.networks)


PUBLIC_ONLY = AllowList()


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that a packet to this address ends up at or passes through."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


def _unmapped(address: IPAddress) -> IPAddress:
    # ::ffff:a.b.c.d is IPv4 in another spelling: the connection that it makes is an IPv4 one.
    return getattr(address, "ipv4_mapped", None) or address


def _network(entry: str) -> IPNetwork:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise ValueError(f"{entry!r} is not a network in CIDR form, such as 10.0.0.0/8: {error}") from error


def _endpoint(entry: str) -> tuple[str, int]:
    host, _, port = entry.rpartition(":")
    canonical = canonical_host(host.removeprefix("[").removesuffix("]"))
    bracketed = host.startswith("[") and host.endswith("]")
    if not is_host(canonical) or bracketed != (":" in host) or not _is_port(port):
        raise ValueError(f"{entry!r} is neither a network (10.0.0.0/8) nor host:port (hooks.internal:443)")
    return canonical, int(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) <= _MAX_PORT
