"""A TCP proxy for one connection of the system, which can be made as bad as networks and servers are."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

from tests.chaos.framing import READ_BYTES, Framing

QUEUED = 64
_RESET = struct.pack("ii", 1, 0)
_GONE = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
# A piece and when it is due; None at the end.
_Pieces = asyncio.Queue[tuple[float, bytes] | None]


class Link:
    """What stands between a service and one that it calls.

    Args:
        name: whose connection, and to what.
        upstream: host and port of the one that is called.
        framing: how what the service sends is read.

    Attributes:
        delay: seconds that everything takes longer, each way.
        refusing: whether writes are refused in the server's place.
        passing: cleared while nothing passes.
        connections: how many there have been.
    """

    def __init__(self, name: str, upstream: tuple[str, int], framing: Framing) -> None:
        self.name = name
        self.delay = 0.0
        self.refusing = False
        self.passing = asyncio.Event()
        self.passing.set()
        self.connections = 0
        self._upstream = upstream
        self._framing = framing
        self._writers: set[StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens once it was started, host:port."""
        assert self._server is not None
        return "{}:{}".format(*self._server.sockets[0].getsockname())

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def close(self) -> None:
        """End all connections and listen no more."""
        if self._server is not None:
            self._server.close()
        self.reset()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def reset(self) -> None:
        """End all connections by RST."""
        for writer in self._writers:
            # Once its peer has gone, a transport may have no socket any more.
            with contextlib.suppress(OSError, AttributeError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(*_GONE):
            async with self._held(writer):
                await self.passing.wait()
                upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
                async with self._held(upstream):
                    await self._join((reader, writer), (upstream_reader, upstream))

    @contextlib.asynccontextmanager
    async def _held(self, writer: StreamWriter) -> AsyncIterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _join(self, client: tuple[StreamReader, StreamWriter], server: tuple[StreamReader, StreamWriter]) -> None:
        to_server, to_client = _Pieces(QUEUED), _Pieces(QUEUED)
        writing = [self._write(to_server, server[1]), self._write(to_client, client[1])]
        reading = [self._requests(client[0], to_server, to_client), self._answers(server[0], to_client)]
        ends = [asyncio.create_task(each) for each in writing]
        tasks = [*ends, *(asyncio.create_task(each) for each in reading)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _requests(self, reader: StreamReader, to_server: _Pieces, to_client: _Pieces) -> None:
        with contextlib.suppress(*_GONE):
            while request := await self._framing.request(reader):
                refusal = self._framing.refusal(request) if self.refusing else None
                await (to_server.put(self._due(request)) if refusal is None else to_client.put(self._due(refusal)))
        await to_server.put(None)

    async def _answers(self, reader: StreamReader, to_client: _Pieces) -> None:
        with contextlib.suppress(*_GONE):
            while piece := await reader.read(READ_BYTES):
                await to_client.put(self._due(piece))
        await to_client.put(None)

    async def _write(self, pieces: _Pieces, writer: StreamWriter) -> None:
        with contextlib.suppress(*_GONE):
            while (piece := await pieces.get()) is not None:
                due, data = piece
                await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
                await self.passing.wait()
                writer.write(data)
                await writer.drain()

    def _due(self, data: bytes) -> tuple[float, bytes]:
        return asyncio.get_running_loop().time() + self.delay, data
