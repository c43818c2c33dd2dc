"""A DevTools connection to one browser: commands, their answers, and the events of its sessions."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from services.renderer.engine import cbor
from services.renderer.engine.requests import Event

Handler = Callable[[Event], None]
# More than a file may have, or a strip of a picture. What is longer is read over, and never held.
LONGEST_MESSAGE = 1 << 27
_CHUNK_BYTES = 1 << 20


class ProtocolError(Exception):
    """Chromium refused a command."""


class AnswerTooLongError(ProtocolError):
    """The answer to a command has more than LONGEST_MESSAGE bytes."""


class DisconnectedError(Exception):
    """The browser, or the session that a command went to, is gone."""


class Session:
    """What a connection says to one page. The empty id is the browser itself."""

    def __init__(self, id_: str = "") -> None:
        self.id = id_
        self.handlers: dict[str, list[Handler]] = {}
        self.waiting: dict[int, asyncio.Future[Event]] = {}

    def on(self, event: str, handler: Handler) -> None:
        """Call `handler` with the parameters of each such event."""
        self.handlers.setdefault(event, []).append(handler)

    def end(self, reason: str) -> None:
        """Tell all who wait for an answer that none comes."""
        for number in [*self.waiting]:
            self.refuse(number, DisconnectedError(reason))

    def refuse(self, number: int, error: Exception) -> None:
        """Tell who waits for an answer, if anybody does, that none comes."""
        answer = self.waiting.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_exception(error)


class Connection:
    """Speaks to a browser until that ends.

    Args:
        reader: what the browser writes.
        writer: what it reads.
        ended: called once, when the browser is gone.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ended: Callable[[], None]) -> None:
        self._reader = reader
        self._writer = writer
        self._ended = ended
        self._numbers = itertools.count(1)
        self._root = Session()
        self._sessions: dict[str, Session] = {"": self._root}
        self._root.on("Target.detachedFromTarget", self._detached)
        self._reading = asyncio.create_task(self._read())

    async def send(self, method: str, parameters: Event, session: Session | None = None) -> Event:
        """Send a command to a session, or to the browser itself, and wait for the answer.

        Raises:
            ProtocolError: it was refused.
            AnswerTooLongError: the answer was left out.
            DisconnectedError: there is nobody to answer.
        """
        session = session or self._root
        if self._sessions.get(session.id) is not session:
            raise DisconnectedError("the session is closed")
        number = next(self._numbers)
        message: Event = {"id": number, "method": method, "params": parameters}
        if session.id:
            message["sessionId"] = session.id
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        session.waiting[number] = answer
        try:
            self._writer.write(cbor.encode(message))
            await self._writer.drain()
            return await answer
        except ConnectionError as error:
            raise DisconnectedError("the browser is gone") from error
        finally:
            session.waiting.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def attach(self, target: str) -> Session:
        """A session with a target."""
        answer = await self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        session = Session(answer["sessionId"])
        self._sessions[session.id] = session
        return session

    async def close(self) -> None:
        """Stop listening."""
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def _read(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(cbor.HEADER_BYTES)
                size = cbor.length(header)
                if size > LONGEST_MESSAGE:
                    await self._leave_out(size)
                else:
                    self._handle(cbor.decode(header + await self._reader.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return
        finally:
            for session in self._sessions.values():
                session.end("the browser is gone")
            self._sessions.clear()
            self._writer.close()
            self._ended()

    async def _leave_out(self, size: int) -> None:
        beginning = b""
        while size > 0:
            chunk = await self._reader.readexactly(min(size, _CHUNK_BYTES))
            beginning = beginning or chunk
            size -= len(chunk)
        if (number := cbor.answered(beginning)) is None:
            return
        for session in self._sessions.values():
            session.refuse(number, AnswerTooLongError("the answer is too long"))

    def _handle(self, message: Event) -> None:
        session = self._sessions.get(message.get("sessionId", ""))
        if session is None:
            return
        if "id" in message:
            _settle(session.waiting.get(message["id"]), message)
            return
        for handler in session.handlers.get(message.get("method", ""), ()):
            handler(message.get("params", {}))

    def _detached(self, event: Event) -> None:
        session = self._sessions.pop(event["sessionId"], None)
        if session is not None:
            session.end("the page is closed")


def _settle(answer: asyncio.Future[Event] | None, message: Event) -> None:
    if answer is None or answer.done():
        return
    if "error" in message:
        answer.set_exception(ProtocolError(message["error"].get("message", "")))
    else:
        answer.set_result(message.get("result", {}))
