"""Having renderers list the variables of templates: asked in the fast lane, answered once per source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from nats.errors import Error as NatsError

from pressline.task.v1 import task_pb2
from pressline.template.v1.template_pb2 import Inspection
from services.common import bus
from services.common.bus import Bus
from services.scheduler import clock
from services.scheduler.store.templates import source_id
from services.scheduler.stores import Stores

# The renderer reads the source within moments; this is for one that is away.
SOURCE_KEPT_MS = 2 * clock.DAY_MS
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25
log = structlog.get_logger()


def inspected_source(account_id: str, html: str) -> task_pb2.SourceDocument:
    """The source that stands for a template's document, whatever its styles are and whether values may be missing."""
    source = task_pb2.SourceDocument(kind=task_pb2.SourceDocument.KIND_HANDLEBARS_STRICT, body=html)
    source.id = source_id(account_id, source)
    return source


class Inspecting:
    """Answers from what is known, and asks for the rest.

    Args:
        stores: sources and inspections.
        message_bus: where renderers are asked.
        wait_seconds: how long `wait` waits for their answers.
    """

    def __init__(self, stores: Stores, message_bus: Bus, wait_seconds: float) -> None:
        self._stores = stores
        self._bus = message_bus
        self._wait_seconds = wait_seconds

    async def known(self, account_id: str, sources: Mapping[str, task_pb2.SourceDocument]) -> dict[str, Inspection]:
        """Inspections by source id; those that are not there are asked for, and there at a later call."""
        found = await self.reported(list(sources))
        unknown = [source for identifier, source in sources.items() if identifier not in found]
        try:
            for source in unknown:
                await self._ask(account_id, source)
        except (NatsError, TimeoutError, OSError) as error:  # The next call asks again.
            log.warning("inspection.not_asked", error=repr(error))
        return found

    async def wait(self, account_id: str, sources: Mapping[str, task_pb2.SourceDocument]) -> dict[str, Inspection]:
        """Inspections by source id, those that renderers report in time."""
        found = await self.known(account_id, sources)
        pause = _FIRST_PAUSE_SECONDS
        deadline = asyncio.get_running_loop().time() + self._wait_seconds
        while len(found) < len(sources) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            found |= await self.reported([identifier for identifier in sources if identifier not in found])
        return found

    async def reported(self, source_ids: Sequence[str]) -> dict[str, Inspection]:
        """Inspections by source id, without asking for those that are not there."""
        return await self._stores.inspections.get_many(source_ids, clock.now_ms())

    async def report(self, source: str, inspection: Inspection) -> None:
        """Keep what a renderer found."""
        await self._stores.inspections.put(source, inspection, clock.now_ms())

    async def _ask(self, account_id: str, source: task_pb2.SourceDocument) -> None:
        await self._stores.sources.put(account_id, {source.id: source}, clock.now_ms() + SOURCE_KEPT_MS)
        reference = task_pb2.TaskRef(inspect_source_id=source.id)
        # The stream drops repeats of an id for two minutes, so asking at every read costs no renderer anything.
        await self._bus.publish(bus.FAST_JOBS, reference.SerializeToString(), f"inspect:{source.id}")
