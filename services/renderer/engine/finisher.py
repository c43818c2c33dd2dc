"""Finishes PDFs in processes of its own: that holds up no event loop, is bounded in memory, and can be ended."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import structlog

from pressline.batch.v1.batch_pb2 import PdfOptions
from services.renderer import child
from services.renderer.engine.encode import too_large
from services.renderer.engine.finish_messages import ANSWER, BROKEN, DONE, OUT_OF_MEMORY, REFUSED, REQUEST
from services.renderer.engine.model import ErrorCode, RenderError
from services.renderer.engine.options import MAX_BYTES

MOST_PROCESSES = 4
log = structlog.get_logger()


class Finisher:
    """Processes that finish PDFs, one at a time each, started when they are needed."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(min(os.cpu_count() or 1, MOST_PROCESSES))
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._closed = False

    async def finish(self, data: bytes, options: PdfOptions) -> bytes:
        """Give a PDF what its options ask for. One that does not wait for the end has its process ended.

        Args:
            data: the PDF.
            options: see `pdf_finish.finish`.

        Raises:
            RenderError: TEMPLATE_ERROR when it cannot be what is asked for, RESOURCE_LIMIT when that takes too much
                memory or comes out too large, INTERNAL_ERROR when it cannot be read or ends its process twice.
        """
        async with self._places:
            try:
                return await self._ask(data, options)
            except (asyncio.IncompleteReadError, OSError):
                log.warning("finish.again", bytes=len(data))
            try:
                return await self._ask(data, options)
            except (asyncio.IncompleteReadError, OSError) as error:
                raise RenderError(ErrorCode.INTERNAL_ERROR, "The PDF could not be finished; try again.") from error

    async def close(self) -> None:
        """End all processes, and start no more."""
        self._closed = True
        for process in list(self._all):
            await self._end(process)

    async def _ask(self, data: bytes, options: PdfOptions) -> bytes:
        process = self._idle.pop() if self._idle else await self._start()
        try:
            outcome, answer = await _exchange(process, data, options)
        except BaseException:
            await self._end(process)
            raise
        self._idle.append(process)
        return _result(outcome, answer)

    async def _start(self) -> Process:
        if self._closed:
            raise BrokenPipeError
        command = (sys.executable, "-m", "services.renderer.engine.finish_process")
        # A session of its own: an interrupt at the terminal is for the renderer, which lets it finish.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=child.environment(), start_new_session=True
        )
        self._all.add(process)
        return process

    async def _end(self, process: Process) -> None:
        self._all.discard(process)
        if process in self._idle:
            self._idle.remove(process)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _exchange(process: Process, data: bytes, options: PdfOptions) -> tuple[bytes, bytes]:
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None  # noqa: S101 - it was started with both
    assert stdout is not None  # noqa: S101 - likewise
    wanted = options.SerializeToString()
    stdin.writelines([REQUEST.pack(len(wanted), len(data)), wanted, data])
    await stdin.drain()
    outcome, length = ANSWER.unpack(await stdout.readexactly(ANSWER.size))
    return outcome, await stdout.readexactly(length)


def _result(outcome: bytes, answer: bytes) -> bytes:
    if outcome == REFUSED:
        raise RenderError(ErrorCode.TEMPLATE_ERROR, answer.decode())
    if outcome == OUT_OF_MEMORY:
        raise RenderError(ErrorCode.RESOURCE_LIMIT, "The PDF needs more memory than the renderer gives one item.")
    if outcome == BROKEN:
        log.error("finish.broken", reason=answer.decode(errors="replace"))
        raise RenderError(ErrorCode.INTERNAL_ERROR, "The renderer failed; the failure is logged.")
    if len(answer) > MAX_BYTES:
        raise too_large()
    assert outcome == DONE  # noqa: S101 - there is no other
    return answer
