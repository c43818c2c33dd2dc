"""Entry point of the gateway."""

from __future__ import annotations

from services.common import lifecycle
from services.gateway import allocator
from services.gateway.app import serve
from services.gateway.settings import GatewaySettings


def main() -> None:
    """Serve REST until SIGTERM."""
    allocator.return_large_blocks()
    lifecycle.run("gateway", GatewaySettings, serve)


if __name__ == "__main__":
    main()
