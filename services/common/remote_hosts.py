"""Hosts that an account's documents may load from, as the account lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.common.addresses import canonical_host, is_host, parse_address

MAX_HOSTS = 50
_BENEATH = "*."
_MAX_NAME = 253
MAX_CHARACTERS = len(_BENEATH) + _MAX_NAME
NOT_A_HOST = (
    "is a host such as cdn.example.com, or *.example.com for all names beneath it: without scheme, port or path, and "
    "names of other scripts as xn--…"
)


def canonical(entry: str) -> str | None:
    """An entry in the form in which it is compared; None when it is none."""
    if len(entry) > MAX_CHARACTERS or not entry.isascii():
        return None
    prefix = _BENEATH if entry.startswith(_BENEATH) else ""
    host = canonical_host(entry.removeprefix(_BENEATH))
    fits = is_host(host) and len(host) <= _MAX_NAME
    if not fits or (prefix and parse_address(host) is not None):
        return None
    return prefix + host


@dataclass(frozen=True)
class HostList:
    """Hosts, in canonical form.

    Attributes:
        entries: names and numeric addresses, and `*.` with a name for all names beneath that one.
    """

    entries: frozenset[str]

    @classmethod
    def of(cls, entries: Iterable[str]) -> HostList:
        """The list of those entries that are any."""
        return cls(frozenset(found for found in map(canonical, entries) if found is not None))

    def lists(self, host: str) -> bool:
        """Whether an entry names the host of a request."""
        host = canonical_host(host)
        return host in self.entries or any(_BENEATH + parent in self.entries for parent in _parents(host))


def _parents(host: str) -> Iterator[str]:
    """The names that a name is beneath."""
    while host := host.partition(".")[2]:
        yield host
