"""Templates: stored once they are known to be sound, read with their variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from pressline.template.v1.template_pb2 import Inspection, TemplateContent
from services.common import ids
from services.common.errors import Violation, invalid, not_found
from services.scheduler import checks, clock, variables
from services.scheduler.inspecting import Inspecting, inspected_source
from services.scheduler.once import Once
from services.scheduler.resolve import Template
from services.scheduler.store.database import Document
from services.scheduler.store.templates import Templates

Sources = Mapping[str, task_pb2.SourceDocument]


class TemplateDesk:
    """What accounts may do with their templates.

    Args:
        templates: where they are kept.
        once: for repeated calls.
        inspecting: lists their variables.
    """

    def __init__(self, templates: Templates, once: Once, inspecting: Inspecting) -> None:
        self._templates = templates
        self._once = once
        self._inspecting = inspecting

    async def create(self, account_id: str, request: template_pb2.CreateTemplateRequest) -> template_pb2.Template:
        """Store version 1, or answer as an earlier call with the same idempotency key was answered.

        Raises:
            PresslineError: VALIDATION_ERROR, also for documents that are not valid Handlebars.
        """
        key, content = request.idempotency, request.content
        _refuse(*checks.idempotency(key, "idempotency"), *checks.template(content))

        async def make(template_id: str) -> template_pb2.Template:
            found = await self._inspected(account_id, content)
            stored = await self._templates.insert(template_id, account_id, _fields(account_id, content), clock.now_ms())
            return _view(stored, content, found)

        return await self._once.create(account_id, key, ids.new("tmpl"), make, template_pb2.Template)

    async def get(self, account_id: str, template_id: str, version: int) -> template_pb2.Template:
        """A version of a template; 0 is the latest."""
        if version:
            stored = await self._templates.get_version(account_id, template_id, version)
        else:
            stored = await self._templates.get(account_id, template_id)
        if stored is None:
            raise not_found("template" if not version else f"version {version} of a template", template_id)
        content = TemplateContent.FromString(stored["content"])
        sources = {source.id: source for source in _sources(account_id, content).values()}
        return _view(stored, content, await self._inspecting.known(account_id, sources))

    async def newest(
        self, account_id: str, skip: int, limit: int, *, inspected: bool = True
    ) -> list[template_pb2.Template]:
        """Templates without their documents, newest first; without their variables too unless they are inspected."""
        stored = await self._templates.newest(account_id, skip, limit)
        wanted = {source_id for document in stored for source_id in document["source_ids"]} if inspected else set()
        found = await self._inspecting.reported(sorted(wanted))
        return [_view(document, TemplateContent.FromString(document["outline"]), found) for document in stored]

    async def replace(self, account_id: str, template_id: str, content: TemplateContent) -> template_pb2.Template:
        """Store the next version.

        Raises:
            PresslineError: NOT_FOUND; VALIDATION_ERROR as in `create`.
        """
        _refuse(*checks.template(content))
        if await self._templates.get(account_id, template_id) is None:
            raise not_found("template", template_id)
        found = await self._inspected(account_id, content)
        fields = _fields(account_id, content)
        changed = await self._templates.replace(account_id, template_id, fields, clock.now_ms())
        if changed is None:
            raise not_found("template", template_id)
        return _view(changed, content, found)

    async def delete(self, account_id: str, template_id: str) -> None:
        """Delete a template."""
        if not await self._templates.delete(account_id, template_id):
            raise not_found("template", template_id)

    async def _inspected(self, account_id: str, content: TemplateContent) -> dict[str, Inspection]:
        """What renderers report in time, by source; a document at fault is refused."""
        sources = _sources(account_id, content)
        found = await self._inspecting.wait(account_id, {source.id: source for source in sources.values()})
        _refuse(*_problems({path: found[source.id] for path, source in sources.items() if source.id in found}))
        return found


async def load_all(
    templates: Templates, account_id: str, named: Iterable[str], versions: Mapping[str, int]
) -> dict[str, Template]:
    """The account's templates among those named, by id: the latest versions, but for those that say otherwise."""
    found = [
        await templates.get_version(account_id, template_id, versions[template_id])
        if template_id in versions
        else await templates.get(account_id, template_id)
        for template_id in named
    ]
    return {document["_id"]: _template(document) for document in found if document is not None}


def _refuse(*violations: Violation) -> None:
    if violations:
        raise invalid(*violations)


def _fields(account_id: str, content: TemplateContent) -> Document:
    """What is stored of a content."""
    sources = _sources(account_id, content)
    outline = TemplateContent()
    outline.CopyFrom(content)
    for field in ("html", "styles"):
        outline.ClearField(field)
    for layout in outline.layouts.values():
        layout.ClearField("html")
    return {
        "content": content.SerializeToString(deterministic=True),
        "outline": outline.SerializeToString(deterministic=True),
        "paths": list(sources),
        "source_ids": [source.id for source in sources.values()],
    }


def _sources(account_id: str, content: TemplateContent) -> Sources:
    return {path: inspected_source(account_id, html) for path, html in variables.documents(content).items()}


def _problems(by_path: Mapping[str, Inspection]) -> list[Violation]:
    """Why documents cannot be filled at all."""
    return [Violation(path, inspection.error) for path, inspection in by_path.items() if inspection.error]


def _view(document: Document, content: TemplateContent, found: Mapping[str, Inspection]) -> template_pb2.Template:
    """A stored template as its owner sees it."""
    sources = dict(zip(document["paths"], document["source_ids"], strict=True))
    by_path = {path: found[source_id] for path, source_id in sources.items() if source_id in found}
    problems = _problems(by_path)
    status = template_pb2.TEMPLATE_STATUS_READY
    if problems:
        status = template_pb2.TEMPLATE_STATUS_INVALID
    elif len(by_path) < len(sources):
        status = template_pb2.TEMPLATE_STATUS_CHECKING
    return template_pb2.Template(
        id=document["_id"],
        version=document["version"],
        content=content,
        create_time=clock.timestamp(document["created_ms"]),
        update_time=clock.timestamp(document["updated_ms"]),
        variables=variables.merged(content, by_path.values()),
        status=status,
        problems=[template_pb2.Problem(path=each.path, message=each.message) for each in problems],
    )


def _template(document: Document) -> Template:
    return Template(document["_id"], document["version"], TemplateContent.FromString(document["content"]))
