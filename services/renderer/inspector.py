"""What happens to a message that asks for a template's variables: read, look, report."""

from __future__ import annotations

import structlog

from services.common.consumer import Again, Done, Verdict
from services.common.errors import PresslineError
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import BrowserUnavailableError
from services.renderer.sources import Sources
from services.renderer.tasks import Tasks, may_pass

PAUSE_SECONDS = 2.0
log = structlog.get_logger()


class Inspector:
    """Looks through sources. Doing it twice is harmless: a source never changes, and the first report stands."""

    def __init__(self, tasks: Tasks, sources: Sources, engine: Engine) -> None:
        self._tasks = tasks
        self._sources = sources
        self._engine = engine

    async def handle(self, source_id: str) -> Verdict:
        """List a source's variables; the verdict says what becomes of the message."""
        try:
            inspection = await self._engine.inspect(await self._sources.get(source_id))
            await self._tasks.report_inspection(source_id, inspection)
        except PresslineError as error:
            log.warning("inspection.failed", source=source_id, error=error.message)
            return Again(PAUSE_SECONDS) if may_pass(error) else Done()
        except BrowserUnavailableError as error:
            log.warning("inspection.failed", source=source_id, error=str(error))
            return Again(PAUSE_SECONDS)
        log.info("template.inspected", source=source_id, variables=len(inspection.variables), error=inspection.error)
        return Done()
