"""What became of an item: its files, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass, field

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.renderer.engine.model import RenderError


@dataclass
class Outcome:
    """What is reported of an item, layout by layout.

    Attributes:
        outputs: the files that were made.
        errors: of the layouts that have none.
        screenshots: of the pages of those, as far as there are any.
        warnings: of each layout, by its name.
        upload_seconds: how long storing the files took.
    """

    outputs: list[task_pb2.StoredOutput] = field(default_factory=list)
    errors: list[batch_pb2.ItemError] = field(default_factory=list)
    screenshots: list[task_pb2.Screenshot] = field(default_factory=list)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    upload_seconds: float = 0

    def made(self, output: task_pb2.StoredOutput, warnings: tuple[str, ...]) -> None:
        """Note a file."""
        self.outputs.append(output)
        self.warnings[output.output.layout] = warnings

    def failed(self, layout: str, error: RenderError, screenshots: list[task_pb2.Screenshot]) -> None:
        """Note a layout without one."""
        self.errors.append(batch_pb2.ItemError(code=error.code, message=error.message, layout=layout))
        self.screenshots += screenshots
        self.warnings[layout] = error.warnings
