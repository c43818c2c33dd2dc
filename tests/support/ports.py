"""Ports for servers of tests."""

from __future__ import annotations

import random
import socket

# Below those that the kernel gives to outgoing connections, one of which could take the port meanwhile.
_RANGE = range(15_000, 32_000)
_TRIES = 100
_random = random.SystemRandom()


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    for _ in range(_TRIES):
        port = _random.choice(_RANGE)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
