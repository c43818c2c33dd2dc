"""Templates, their versions, and the source documents that renderers read."""

from __future__ import annotations

import hashlib

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from pressline.task.v1 import task_pb2
from services.scheduler.store.database import SCHEMA, Collection, Database, Document


class Templates:
    """The templates collection: the latest content of each; a batch keeps what it renders as sources."""

    def __init__(self, database: Database) -> None:
        self._templates: Collection = database.collection("templates")

    async def insert(self, template_id: str, account_id: str, content: bytes, now: int) -> Document:
        """Store version 1."""
        document: Document = {
            "_id": template_id,
            "account_id": account_id,
            "version": 1,
            "content": content,
            "created_ms": now,
            "updated_ms": now,
            "schema": SCHEMA,
        }
        await self._templates.insert_one(document)
        return document

    async def get(self, account_id: str, template_id: str) -> Document | None:
        """The latest version of an account's template."""
        return await self._templates.find_one({"_id": template_id, "account_id": account_id})

    async def newest(self, account_id: str, skip: int, limit: int) -> list[Document]:
        """An account's templates, newest first."""
        query = self._templates.find({"account_id": account_id})
        return await query.sort([("created_ms", -1), ("_id", 1)]).skip(skip).limit(limit).to_list(None)

    async def replace(self, account_id: str, template_id: str, content: bytes, now: int) -> Document | None:
        """Store new content as the next version; None when there is no such template."""
        return await self._templates.find_one_and_update(
            {"_id": template_id, "account_id": account_id},
            {"$set": {"content": content, "updated_ms": now}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )

    async def delete(self, account_id: str, template_id: str) -> bool:
        """Delete a template; false when there is none."""
        result = await self._templates.delete_one({"_id": template_id, "account_id": account_id})
        return result.deleted_count == 1


class Sources:
    """The sources collection: immutable documents named by their content and account."""

    def __init__(self, database: Database) -> None:
        self._sources: Collection = database.collection("sources")

    async def put(self, account_id: str, source: task_pb2.SourceDocument) -> None:
        """Store a source under `source_id`; storing it again changes nothing."""
        document = {"_id": source.id, "account_id": account_id, "source": source.SerializeToString(), "schema": SCHEMA}
        try:
            await self._sources.insert_one(document)
        except DuplicateKeyError:
            return

    async def get(self, source_id: str) -> task_pb2.SourceDocument | None:
        """A source by its id."""
        document = await self._sources.find_one({"_id": source_id})
        return None if document is None else task_pb2.SourceDocument.FromString(document["source"])


def source_id(account_id: str, source: task_pb2.SourceDocument) -> str:
    """The id of a source: the same content in the same account has the same one."""
    parts = (account_id, str(source.kind), source.body, source.styles)
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(part.encode()).digest() for part in parts))
    return f"src_{digest.hexdigest()[:40]}"
