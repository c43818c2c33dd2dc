"""Ports on the loopback interface: chosen free once, then held for as long as the supervisor lives."""

from __future__ import annotations

import random
import socket

from pressline_local.errors import LocalError

HOST = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections, so that none of
# those can sit on a server's port while the server restarts.
FREE_RANGE = range(15_000, 32_000)
TRIES = 200


class HeldPorts:
    """Bound but not listening sockets, one a port.

    A held port looks taken to everyone who looks for a free one, and yet a server that sets
    SO_REUSEADDR, as all of ours do, can listen on it.
    """

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}

    def choose(self) -> int:
        """Hold a free port.

        Raises:
            LocalError: none was found.
        """
        for port in random.sample(FREE_RANGE, TRIES):
            try:
                held = _bound(port, shared=False)
            except OSError:
                continue
            # Set only now: before, it would have let us share the port of someone else who holds it.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._sockets[port] = held
            return port
        raise LocalError(f"No free port was found between {FREE_RANGE.start} and {FREE_RANGE.stop}.")

    def hold(self, port: int, hint: str) -> None:
        """Hold a given port.

        Args:
            port: the port.
            hint: what the user can do when it is taken.

        Raises:
            LocalError: another program listens on it, or it may not be used.
        """
        if port in self._sockets:
            return
        try:
            self._sockets[port] = _bound(port, shared=True)
        except OSError as error:
            raise LocalError(f"Port {port} cannot be used ({error.strerror}); {hint}.") from error

    def close(self) -> None:
        """Let go of all of them."""
        for held in self._sockets.values():
            held.close()
        self._sockets.clear()


def _bound(port: int, *, shared: bool) -> socket.socket:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shared))
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        raise
    return holder
