"""The whole system on its embedded servers: from the REST call that submits a batch to the end of its last item."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.cases import QUALITY, Case
from benchmarks.contestants import Turn
from pressline_client import Client
from tests.support.stack import Stack, running_stack, tree_of


class EndToEnd:
    """Submits batches and follows them until they have ended, with every file stored."""

    def __init__(self, stack: Stack, client: Client) -> None:
        self.client = client
        self.root = tree_of(stack.data)[0].pid
        services = {int(process["pid"]): name for name, process in stack.processes().items()}
        self.names: Mapping[int, str] = {self.root: "supervisor"} | services
        self._templates: dict[str, str] = {}
        self._last = ("", 0.0)

    def render(self, case: Case, count: int) -> None:
        """Take a turn."""
        items = [{"data": row} for row in case.rows(count)]
        defaults = self._source(case) | {"output": output_of(case)}
        began = time.perf_counter()
        batch = self.client.batches.create(items, defaults=defaults)
        for state in self.client.batches.watch(batch.id):
            batch = state
        self._last = (batch.id, time.perf_counter() - began)
        assert (batch.status, batch.completed) == ("completed", count), batch

    @property
    def last_batch(self) -> str:
        """The batch of the last turn."""
        return self._last[0]

    def turn(self) -> Turn:
        """What came of the last one; of each item, the seconds of its rendering and upload."""
        batch_id, seconds = self._last
        items = list(self.client.batches.items(batch_id))
        return Turn(seconds, [(item.duration_ms or 0) / 1000 for item in items], [item.bytes or 0 for item in items])

    def _source(self, case: Case) -> dict[str, Any]:
        if case.react:
            return {"react": case.source}
        if case.name not in self._templates:
            size = {} if case.format == "pdf" else {"width": case.width, "height": case.height}
            self._templates[case.name] = self.client.templates.create(case.source, name=case.name, **size).id
        return {"template": self._templates[case.name]}


def output_of(case: Case) -> dict[str, Any]:
    """What a case asks for, in the words of the API."""
    if case.format == "pdf":
        return {"format": "pdf"}
    return {"format": case.format, "width": case.width, "height": case.height, "quality": QUALITY / 100}


@contextmanager
def end_to_end(env: Mapping[str, str] | None = None) -> Iterator[EndToEnd]:
    """A stack of its own with one renderer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder) / "data", env=env) as stack,
        Client(stack.api, stack.key()) as client,
    ):
        yield EndToEnd(stack, client)
