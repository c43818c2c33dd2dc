"""Merging in a process of its own: it holds up no event loop, its memory is bounded, and it can be ended."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import structlog

from services.renderer import child
from services.renderer.archives.parts import Part, UnmergeableError

MERGE_SECONDS = 900.0
log = structlog.get_logger()


class MergeBrokenError(Exception):
    """The process ended without a result."""


async def merge_apart(parts: Sequence[Part], folder: Path, out: Path) -> None:
    """Merge documents into one file; see `merging.merge`.

    Raises:
        UnmergeableError: a document, or all of them together, cannot be merged.
        MergeBrokenError: the process broke down or took too long.
    """
    job = {"parts": [asdict(part) for part in parts], "folder": str(folder), "out": str(out)}
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "services.renderer.archives.merge_process")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=child.environment())
    try:
        async with asyncio.timeout(MERGE_SECONDS):
            said, _ = await process.communicate(json.dumps(job).encode())
    except TimeoutError as error:
        raise MergeBrokenError(f"merging took longer than {MERGE_SECONDS:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise MergeBrokenError(f"merging ended with code {process.returncode}")
    result = json.loads(said)
    if "code" in result:
        raise UnmergeableError(result["code"], result["message"])
    log.info("archive.merged", documents=len(parts), pages=result["pages"])
