"""Archives as their owners ask for them and read them. There is one for each batch and format."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pressline.archive.v1 import archive_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.finish import Finisher
from services.scheduler.ownership import Ownership
from services.scheduler.signer import Signer
from services.scheduler.store import archives as store
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores
from services.scheduler.tasks import EXTENSIONS

# Of one account at a time. Two requests at once may both be the last: it bounds a queue, it is no quota.
MAX_OPEN = 20
BUSY_RETRY_SECONDS = 5.0
# What a renderer merges within the memory and the temporary space that it has.
MAX_PDF_PAGES = 10_000
MAX_PDF_BYTES = 512 * 1024 * 1024
PAGE_ITEMS = 500
FORMS = {archive_pb2.ARCHIVE_FORMAT_ZIP: "zip", archive_pb2.ARCHIVE_FORMAT_PDF: "pdf"}
FORMATS = {form: value for value, form in FORMS.items()}
_STATES = {
    store.QUEUED: archive_pb2.ARCHIVE_STATE_QUEUED,
    store.PROCESSING: archive_pb2.ARCHIVE_STATE_PROCESSING,
    store.COMPLETED: archive_pb2.ARCHIVE_STATE_COMPLETED,
    store.FAILED: archive_pb2.ARCHIVE_STATE_FAILED,
}


@dataclass
class Contents:
    """What the results of a batch come to."""

    items: int = 0
    pages: int = 0
    size_bytes: int = 0
    # Results that are no PDF, as "item 3 (gen_…) is a png".
    others: list[str] = field(default_factory=list)

    def add(self, item: Document) -> None:
        """Count an item with its outputs."""
        outputs = [task_pb2.StoredOutput.FromString(stored).output for stored in item.get("outputs", ())]
        self.items += bool(outputs)
        self.pages += sum(output.pages for output in outputs)
        self.size_bytes += sum(output.size_bytes for output in outputs)
        images = [output for output in outputs if output.format != batch_pb2.FORMAT_PDF]
        if images:
            self.others.append(f"item {item['index']} ({item['_id']}) is a {EXTENSIONS[images[0].format]}")


class ArchiveDesk:
    """Takes wishes for archives.

    Args:
        stores: the state.
        ownership: finds the caller's batches.
        finisher: ends a batch whose last item has just ended.
        signer: signs download addresses.
        ring: tells renderers that there is an archive to make.
    """

    def __init__(
        self,
        stores: Stores,
        ownership: Ownership,
        finisher: Finisher,
        signer: Signer,
        ring: Callable[[Document], Awaitable[None]],
    ) -> None:
        self._stores = stores
        self._ownership = ownership
        self._finisher = finisher
        self._signer = signer
        self._ring = ring

    async def create(self, account_id: str, request: archive_pb2.CreateArchiveRequest) -> archive_pb2.Archive:
        """The archive of a batch in a format, begun when there is none or the last try failed.

        Raises:
            PresslineError: NOT_FOUND, GONE; CONFLICT while the batch runs or when it has no result;
                VALIDATION_ERROR when the format does not suit the results; RATE_LIMITED.
        """
        if request.format not in FORMS:
            raise invalid(Violation("format", "is zip or pdf"))
        form = FORMS[request.format]
        batch = await self._ended(account_id, request.batch_id)
        archive_id = ids.archive_id(batch["_id"], form)
        found = await self._stores.archives.get(archive_id)
        if found is None or found["state"] == store.FAILED:
            await self._begin(archive_id, batch, form, found)
        return await self.get(account_id, archive_id)

    async def get(self, account_id: str, archive_id: str) -> archive_pb2.Archive:
        """An archive.

        Raises:
            PresslineError: NOT_FOUND, GONE.
        """
        try:
            batch = await self._ownership.batch(account_id, ids.batch_of_archive(archive_id))
        except PresslineError as error:
            raise not_found("archive", archive_id) if error.reason is Reason.NOT_FOUND else error from error
        archive = await self._stores.archives.get(archive_id)
        if archive is None:
            raise not_found("archive", archive_id)
        return self._view(archive, batch)

    async def _ended(self, account_id: str, batch_id: str) -> Document:
        # Its last item may have ended without anybody having drawn the conclusion yet.
        batch = await self._ownership.batch(account_id, batch_id)
        if "active" in batch:
            await self._finisher.finish(batch_id)
            batch = await self._ownership.batch(account_id, batch_id)
        if "active" in batch:
            raise PresslineError(Reason.CONFLICT, "The batch is running; it can be archived once it has ended.")
        return batch

    async def _begin(self, archive_id: str, batch: Document, form: str, failed: Document | None) -> None:
        contents = await self._contents(batch)
        _require_fitting(contents, form)
        if await self._stores.archives.open_of(batch["account_id"], MAX_OPEN) >= MAX_OPEN:
            message = f"{MAX_OPEN} archives of this account are being made; ask again when one is done."
            raise PresslineError(Reason.RATE_LIMITED, message, retry_after=BUSY_RETRY_SECONDS)
        now = clock.now_ms()
        if failed is None:
            begun = await self._stores.archives.insert(archive_id, batch, form, contents.items, now)
        else:
            begun = await self._stores.archives.start_over(failed, now)
        failpoint(Failpoint.ARCHIVE_QUEUED)
        # A removal that began meanwhile may have passed over the new record.
        try:
            await self._ownership.batch(batch["account_id"], batch["_id"])
        except PresslineError:
            await self._stores.archives.delete_of(batch["_id"])
            raise
        archive = await self._stores.archives.get(archive_id) if begun else None
        if archive is not None:
            await self._ring(archive)

    async def _contents(self, batch: Document) -> Contents:
        contents = Contents()
        for first in range(0, batch["total"], PAGE_ITEMS):
            for item in await self._stores.items.page(batch["_id"], first, PAGE_ITEMS, batch["total"]):
                contents.add(item)
        return contents

    def _view(self, archive: Document, batch: Document) -> archive_pb2.Archive:
        result = archive_pb2.Archive(
            id=archive["_id"],
            batch_id=batch["_id"],
            format=FORMATS[archive["format"]],
            state=_STATES[archive["state"]],
            items=archive["items"],
            create_time=clock.timestamp(archive["created_ms"]),
            expire_time=clock.timestamp(batch["expires_ms"]),
        )
        if archive["state"] == store.COMPLETED:
            name = f"{batch['_id']}.{archive['format']}"
            result.url = self._signer.sign(archive["object_key"], batch["created_ms"], batch["expires_ms"], name)
            result.size_bytes, result.sha256 = archive["size_bytes"], archive["sha256"]
        if archive["state"] == store.FAILED:
            result.error.code, result.error.message = archive["error_code"], archive["error_message"]
        return result


def _require_fitting(contents: Contents, form: str) -> None:
    if not contents.items:
        raise PresslineError(Reason.CONFLICT, "Nothing of the batch succeeded, so there is nothing to archive.")
    if form != "pdf":
        return
    problems = []
    if contents.others:
        more = f", as do {len(contents.others) - 1} more" if len(contents.others) > 1 else ""
        problems.append(f"pdf needs PDFs alone, and {contents.others[0]}{more}; zip takes every format")
    if contents.pages > MAX_PDF_PAGES:
        problems.append(f"pdf takes at most {MAX_PDF_PAGES} pages, and the batch has {contents.pages}")
    if contents.size_bytes > MAX_PDF_BYTES:
        problems.append(f"pdf takes at most {MAX_PDF_BYTES} bytes, and the batch has {contents.size_bytes}")
    if problems:
        raise invalid(*(Violation("format", problem) for problem in problems))
