"""Templates, their versions, and the source documents that renderers read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from pressline.task.v1 import task_pb2
from services.common.errors import PresslineError, Reason
from services.scheduler.store.database import SCHEMA, Collection, Database, Document, insert_new

REPLACE_TRIES = 20
# The content itself; the same without its documents, for lists; the documents' paths in it, and what they are
# inspected as.
CONTENT_FIELDS = ("content", "outline", "paths", "source_ids")


class Templates:
    """The templates collection, the latest version of each, and the collection of earlier versions.

    A batch needs neither: it keeps what it renders as sources.
    """

    def __init__(self, database: Database) -> None:
        self._templates: Collection = database.collection("templates")
        self._versions: Collection = database.collection("template_versions")

    async def insert(self, template_id: str, account_id: str, fields: Document, now: int) -> Document:
        """Store version 1; what an earlier try of the same call stored stays as it is.

        Args:
            template_id: its new id.
            account_id: whose it is.
            fields: those of CONTENT_FIELDS.
            now: the time.
        """
        document: Document = {
            "_id": template_id,
            "account_id": account_id,
            "version": 1,
            **fields,
            "created_ms": now,
            "updated_ms": now,
            "schema": SCHEMA,
        }
        try:
            await self._templates.insert_one(document)
        except DuplicateKeyError:
            return await self.get(account_id, template_id) or document
        return document

    async def get(self, account_id: str, template_id: str) -> Document | None:
        """The latest version of an account's template."""
        return await self._templates.find_one({"_id": template_id, "account_id": account_id})

    async def get_version(self, account_id: str, template_id: str, version: int) -> Document | None:
        """A version of an account's template, as long as the template is there."""
        latest = await self.get(account_id, template_id)
        if latest is None or latest["version"] == version:
            return latest
        earlier = await self._versions.find_one({"_id": _version_id(template_id, version)})
        return None if earlier is None else {**latest, **_of_version(earlier)}

    async def newest(self, account_id: str, skip: int, limit: int) -> list[Document]:
        """An account's templates without their content, newest first."""
        query = self._templates.find({"account_id": account_id}, {"content": 0})
        return await query.sort([("created_ms", -1), ("_id", 1)]).skip(skip).limit(limit).to_list(None)

    async def replace(self, account_id: str, template_id: str, fields: Document, now: int) -> Document | None:
        """Store new content as the next version; None when there is no such template.

        The version that it replaces is kept first, so that none is ever missing.

        Raises:
            PresslineError: CONFLICT, when others keep changing it meanwhile.
        """
        for _ in range(REPLACE_TRIES):
            latest = await self.get(account_id, template_id)
            if latest is None:
                return None
            await self._keep_version(latest)
            changed = await self._templates.find_one_and_update(
                {"_id": template_id, "account_id": account_id, "version": latest["version"]},
                {"$set": {**fields, "updated_ms": now}, "$inc": {"version": 1}},
                return_document=ReturnDocument.AFTER,
            )
            if changed is not None:
                return changed
        raise PresslineError(Reason.CONFLICT, "The template is being changed by others.", retry_after=1)

    async def delete(self, account_id: str, template_id: str) -> bool:
        """Delete a template with all its versions; false when there is none."""
        result = await self._templates.delete_one({"_id": template_id, "account_id": account_id})
        if result.deleted_count == 0:
            return False
        await self._versions.delete_many({"template_id": template_id})
        return True

    async def _keep_version(self, template: Document) -> None:
        document: Document = {
            "_id": _version_id(template["_id"], template["version"]),
            "template_id": template["_id"],
            **_of_version(template),
            "schema": SCHEMA,
        }
        try:
            await self._versions.insert_one(document)
        except DuplicateKeyError:
            return


class Sources:
    """The sources collection: immutable documents named by their content and account.

    Batches share them, so a source lives until the last of those that it was stored for has expired.
    """

    def __init__(self, database: Database) -> None:
        self._sources: Collection = database.collection("sources")

    async def put(self, account_id: str, sources: Mapping[str, task_pb2.SourceDocument], until_ms: int) -> None:
        """Store sources by `source_id`; storing one again keeps it for longer, if anything."""
        shared = {"account_id": account_id, "until_ms": until_ms, "schema": SCHEMA}
        # Most batches render what others have rendered before.
        if not sources or await self._keep(sources, until_ms) == len(sources):
            return
        new = [{"_id": name, "source": source.SerializeToString(), **shared} for name, source in sources.items()]
        if await insert_new(self._sources, new):
            await self._keep(sources, until_ms)

    async def _keep(self, source_ids: Iterable[str], until_ms: int) -> int:
        """Keep those of some sources that are there for longer; how many are."""
        there = {"_id": {"$in": list(source_ids)}}
        return (await self._sources.update_many(there, {"$max": {"until_ms": until_ms}})).matched_count

    async def forget(self, now: int, limit: int) -> None:
        """Delete up to `limit` sources that no batch can need any more."""
        over = {"until_ms": {"$lt": now}}
        found = await self._sources.find(over, {"_id": 1}).limit(limit).to_list(None)
        if found:
            await self._sources.delete_many({"_id": {"$in": [source["_id"] for source in found]}, **over})

    async def get_many(self, source_ids: Sequence[str]) -> dict[str, task_pb2.SourceDocument]:
        """Those of some sources that are there, by id."""
        if not source_ids:
            return {}
        found = self._sources.find({"_id": {"$in": list(source_ids)}}, {"source": 1})
        return {str(each["_id"]): task_pb2.SourceDocument.FromString(each["source"]) async for each in found}

    async def get(self, source_id: str) -> task_pb2.SourceDocument | None:
        """A source by its id."""
        document = await self._sources.find_one({"_id": source_id})
        return None if document is None else task_pb2.SourceDocument.FromString(document["source"])


def _of_version(document: Document) -> Document:
    """What differs between the versions of a template."""
    return {name: document[name] for name in ("version", "updated_ms", *CONTENT_FIELDS)}


def _version_id(template_id: str, version: int) -> str:
    return f"{template_id}:{version}"


def source_id(account_id: str, source: task_pb2.SourceDocument) -> str:
    """The id of a source: the same content in the same account has the same one."""
    parts = [account_id, str(source.kind), source.body, source.styles]
    if source.tailwind:
        parts.append("tailwind")
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(part.encode()).digest() for part in parts))
    return f"src_{digest.hexdigest()[:40]}"
