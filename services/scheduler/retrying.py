"""Trying a batch again: a new batch of the items that failed, made as any other from what was asked for then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.addresses import AllowList
from services.common.errors import PresslineError, Reason, Violation, invalid
from services.scheduler import asked, checks, views
from services.scheduler.finish import Finisher
from services.scheduler.intake import CHUNK, Intake, Retry
from services.scheduler.once import Once
from services.scheduler.ownership import Ownership
from services.scheduler.passwords import Locksmith, wanted_outputs
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

STATES = (batch_pb2.ITEM_STATE_FAILED, batch_pb2.ITEM_STATE_CANCELLED)
# The texts of items' own documents are up to 5 MB each.
TEXTS_AT_ONCE = 100


@dataclass
class Again:
    """Items to try again, in their order.

    Attributes:
        items: as they were submitted.
        item_ids: what they were.
        templates: the version that was rendered of each template that they name.
    """

    items: list[batch_pb2.ItemSpec] = field(default_factory=list)
    item_ids: list[str] = field(default_factory=list)
    templates: dict[str, int] = field(default_factory=dict)

    def add(self, stored: Sequence[Document], texts: Mapping[str, task_pb2.SourceDocument]) -> None:
        """Take more of them."""
        for item in stored:
            self.items.append(asked.item_again(item, texts))
            self.item_ids.append(item["_id"])
            if item["template_id"]:
                self.templates[item["template_id"]] = item["template_version"]


class Retrier:
    """Makes new batches of old ones.

    Args:
        stores: where both are.
        ownership: finds the old one.
        finisher: draws the conclusion when its last item has ended.
        intake: accepts the new one.
        locksmith: opens the passwords of encrypted PDFs, so that the new batch can have them too.
        allow: webhook receivers that may be reached although their address is not public.
    """

    def __init__(
        self,
        stores: Stores,
        ownership: Ownership,
        finisher: Finisher,
        intake: Intake,
        locksmith: Locksmith,
        allow: AllowList,
    ) -> None:
        self._stores = stores
        self._once = Once(stores.idempotency)
        self._ownership = ownership
        self._finisher = finisher
        self._intake = intake
        self._locksmith = locksmith
        self._allow = allow

    async def retry(self, account: Document, request: batch_pb2.RetryBatchRequest) -> batch_pb2.CreateBatchResponse:
        """Accept the new batch, or answer as an earlier call with the same idempotency key was answered.

        Raises:
            PresslineError: NOT_FOUND, GONE; CONFLICT while the old batch runs, when none of its items is in the
                wanted states, and when what they render is there no more; whatever a submit is refused with.
        """
        violations = list(_violations(request, self._allow))
        if violations:
            raise invalid(*violations)

        async def make(batch_id: str) -> batch_pb2.CreateBatchResponse:
            return await self._make(account, request, batch_id)

        key, answer = request.idempotency, batch_pb2.CreateBatchResponse
        return await self._once.create(account["_id"], key, ids.new("batch"), make, answer)

    async def _make(
        self, account: Document, request: batch_pb2.RetryBatchRequest, batch_id: str
    ) -> batch_pb2.CreateBatchResponse:
        old = await self._ended(account["_id"], request.batch_id)
        spec = await self._spec(old, request)
        states = views.item_states(request.states or STATES[:1])
        again = await self._items(old, states)
        if not again.items:
            raise PresslineError(Reason.CONFLICT, f"No item of the batch is {' or '.join(states)}.")
        self._locksmith.open(old, wanted_outputs(spec, again.items))
        versions = await self._versions(account["_id"], request, old, again.templates)
        try:
            return await self._intake.accept(
                account, spec, again.items, batch_id, Retry(old["_id"], again.item_ids, versions)
            )
        except PresslineError as error:
            raise _of_templates(error, request) from error

    async def _ended(self, account_id: str, batch_id: str) -> Document:
        await self._ownership.batch(account_id, batch_id)
        # Its last item may have ended without anybody having drawn the conclusion yet.
        await self._finisher.finish(batch_id)
        batch = await self._ownership.batch(account_id, batch_id)
        if "active" in batch:
            raise PresslineError(Reason.CONFLICT, "The batch is running; it can be tried again once it has ended.")
        return batch

    async def _spec(self, old: Document, request: batch_pb2.RetryBatchRequest) -> batch_pb2.BatchSpec:
        spec = await self._stores.requests.get(old["_id"])
        if spec is None:
            raise PresslineError(Reason.CONFLICT, "What the batch was asked for has not been kept.")
        spec.webhook_url = request.webhook_url if request.HasField("webhook_url") else old["webhook_url"]
        spec.metadata_json = request.metadata_json if request.HasField("metadata_json") else old["metadata"]
        return spec

    async def _items(self, old: Document, states: Sequence[str]) -> Again:
        """The old batch's items in some states, as they were submitted."""
        again = Again()
        for start in range(0, old["total"], CHUNK):
            wanted = [ids.item_id(old["_id"], index) for index in range(start, min(start + CHUNK, old["total"]))]
            found = await self._stores.items.in_states(wanted, states)
            stored = [found[item_id] for item_id in wanted if item_id in found]
            again.add(stored, await self._texts(stored))
        return again

    async def _texts(self, stored: Sequence[Document]) -> dict[str, task_pb2.SourceDocument]:
        named = sorted({source for item in stored if (source := asked.text_of(item))})
        texts: dict[str, task_pb2.SourceDocument] = {}
        for start in range(0, len(named), TEXTS_AT_ONCE):
            texts |= await self._stores.sources.get_many(named[start : start + TEXTS_AT_ONCE])
        return texts

    async def _versions(
        self, account_id: str, request: batch_pb2.RetryBatchRequest, old: Document, used: Mapping[str, int]
    ) -> Mapping[str, int]:
        """The versions of templates to render."""
        if request.latest_template:
            return {}
        if not request.template_version:
            return {old["template_id"]: old["template_version"], **used}
        if len(used) != 1:
            raise invalid(Violation("template_version", f"is for one template, and the items render {len(used)}"))
        (template_id,) = used
        if await self._stores.templates.get_version(account_id, template_id, request.template_version) is None:
            sentence = f"the template {template_id} has no version {request.template_version}"
            raise invalid(Violation("template_version", sentence))
        return {template_id: request.template_version}


def _violations(request: batch_pb2.RetryBatchRequest, allow: AllowList) -> Iterator[Violation]:
    if not set(request.states) <= set(STATES):
        yield Violation("states", "names failed and cancelled items only")
    if request.template_version < 0:
        yield Violation("template_version", "is a version from 1 on")
    if request.template_version and request.latest_template:
        yield Violation("latest_template", "is not for a retry that names a template_version")
    if request.HasField("idempotency"):
        yield from checks.idempotency(request.idempotency, "idempotency")
    yield from checks.announcement(request.webhook_url, request.metadata_json, "", allow)


def _of_templates(error: PresslineError, request: batch_pb2.RetryBatchRequest) -> PresslineError:
    """What the intake finds at fault has been accepted before: it is the templates that have changed since."""
    if not error.violations:
        return error
    if request.template_version or request.latest_template:
        field_name = "template_version" if request.template_version else "latest_template"
        return invalid(*(Violation(field_name, each.message) for each in error.violations))
    return PresslineError(Reason.CONFLICT, f"It cannot be rendered as it was: {error.violations[0].message}.")
