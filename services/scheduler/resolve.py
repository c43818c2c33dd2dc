"""From what a caller asked for to what renderers are told: sources, sizes and layouts made explicit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import Violation, invalid
from services.scheduler.store.templates import source_id

DEFAULT_WIDTH = 1_200
DEFAULT_HEIGHT = 630
DEFAULT_QUALITY = 0.9
Kind = task_pb2.SourceDocument


@dataclass(frozen=True)
class Template:
    """A template as it is at submit."""

    id: str
    version: int
    content: template_pb2.TemplateContent


@dataclass
class Plan:
    """What one item renders."""

    renders: list[task_pb2.Render]
    input_type: str
    template: Template | None = None
    # Those of the template's documents that are rendered, by their path in it.
    documents: tuple[str, ...] = ()

    @cached_property
    def stored_renders(self) -> list[bytes]:
        """The renders as items hold them; items that share the plan share this list."""
        return [render.SerializeToString() for render in self.renders]

    @property
    def template_id(self) -> str:
        """Of its template; empty when it has none."""
        return self.template.id if self.template else ""


@dataclass
class Resolver:
    """Resolves the items of one batch; items that ask for the same share one plan.

    Args:
        account_id: whose sources these are.
        layouts: layouts of the template that every item renders; empty means the template itself.
        templates: by id, every template that an item names.
    """

    account_id: str
    layouts: list[str]
    templates: Mapping[str, Template]
    sources: dict[str, task_pb2.SourceDocument] = field(default_factory=dict)
    _plans: dict[tuple[bytes, bytes, bool], Plan] = field(default_factory=dict)

    def plan(self, source: batch_pb2.Source, output: batch_pb2.OutputSpec, *, has_data: bool, path: str) -> Plan:
        """The plan of an item; the sources that it needs are added to `sources`.

        Raises:
            PresslineError: VALIDATION_ERROR, for a template or layout that is not there.
        """
        key = (source.SerializeToString(deterministic=True), output.SerializeToString(deterministic=True), has_data)
        if key not in self._plans:
            self._plans[key] = self._make(source, output, has_data=has_data, path=path)
        return self._plans[key]

    def _make(self, source: batch_pb2.Source, output: batch_pb2.OutputSpec, *, has_data: bool, path: str) -> Plan:
        if source.WhichOneof("body") == "template_id":
            return self._of_template(source, output, path)
        if source.WhichOneof("body") == "react":
            document = Kind(kind=Kind.KIND_REACT, body=source.react)
        else:
            document = Kind(kind=Kind.KIND_HANDLEBARS_STRICT if has_data else Kind.KIND_HTML, body=source.html)
        document.styles, document.tailwind = source.styles, source.tailwind
        render = task_pb2.Render(source_id=self._source(document), output=sized(output, 0, 0))
        return Plan([render], source.WhichOneof("body") or "html")

    def _of_template(self, source: batch_pb2.Source, output: batch_pb2.OutputSpec, path: str) -> Plan:
        template = self.templates.get(source.template_id)
        if template is None:
            raise invalid(Violation(f"{path}.source.template_id", f"no template has the id {source.template_id!r}"))
        names = self.layouts or [""]
        renders = [self._layout(template, name, source, output) for name in names]
        own = {name for name in names if template.content.layouts[name].html} if self.layouts else set()
        documents = dict.fromkeys(f"layouts.{name}.html" if name in own else "html" for name in names)
        return Plan(renders, "template", template, tuple(documents))

    def _layout(
        self, template: Template, name: str, source: batch_pb2.Source, output: batch_pb2.OutputSpec
    ) -> task_pb2.Render:
        content = template.content
        html, width, height = content.html, content.width, content.height
        if name:
            if name not in content.layouts:
                raise invalid(Violation("spec.layouts", f"the template has no layout {name!r}"))
            layout = content.layouts[name]
            html, width, height = layout.html or html, layout.width or width, layout.height or height
        lenient = content.missing == template_pb2.MISSING_POLICY_EMPTY
        kind = Kind.KIND_HANDLEBARS_LENIENT if lenient else Kind.KIND_HANDLEBARS_STRICT
        styles = "\n".join(css for css in (content.styles, source.styles) if css)
        document = Kind(kind=kind, body=html, styles=styles, tailwind=content.tailwind or source.tailwind)
        return task_pb2.Render(layout=name, source_id=self._source(document), output=sized(output, width, height))

    def _source(self, document: task_pb2.SourceDocument) -> str:
        document.id = source_id(self.account_id, document)
        self.sources[document.id] = document
        return document.id


def sized(output: batch_pb2.OutputSpec, width: int, height: int) -> batch_pb2.OutputSpec:
    """The output with every default filled in; the caller's size wins over the template's, that over ours."""
    result = batch_pb2.OutputSpec()
    result.CopyFrom(output)
    if output.format == batch_pb2.FORMAT_PDF:
        result.pdf.SetInParent()
        return result
    image = result.image
    image.width = image.width or width or DEFAULT_WIDTH
    image.height = image.height or height or DEFAULT_HEIGHT
    image.quality = image.quality or DEFAULT_QUALITY
    image.device_scale_factor = image.device_scale_factor or 1
    return result
