"""Which addresses documents may load from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.common.addresses import PUBLIC_ONLY, AllowList, is_public, parse_address

WEB_PORTS = frozenset({80, 443})


class Mode(StrEnum):
    """What is open."""

    PUBLIC = "public"
    ALLOWLIST = "allowlist"
    NONE = "none"


@dataclass(frozen=True)
class Policy:
    """What may be reached.

    Attributes:
        mode: what is open.
        allow: what the operator opens, whatever its address and port.
        ports: where public addresses may be reached.
    """

    mode: Mode = Mode.PUBLIC
    allow: AllowList = PUBLIC_ONLY
    ports: frozenset[int] = WEB_PORTS

    def permits(self, host: str, address: str, port: int) -> bool:
        """Whether a request to `host` may connect to `address`, the numeric address that it resolved to."""
        match self.mode:
            case Mode.NONE:
                return False
            case Mode.ALLOWLIST:
                return self.allow.lists(host, address, port)
        target = parse_address(address)
        public = target is not None and port in self.ports and is_public(target)
        return public or self.allow.lists(host, address, port)
