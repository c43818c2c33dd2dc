"""Assets: uploaded once, listed, read and deleted by their account, pinned by its batches.

A content is noted in the account's library before it is stored, and forgotten after it is deleted; so whatever is
killed in between, the library knows of every object that there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections.abc import AsyncIterator, Callable
from itertools import islice

from pressline.asset.v1 import asset_pb2
from pressline.asset.v1.asset_pb2 import AssetSet, StoredAsset
from services.common import assets as addresses
from services.common import ids
from services.common.blobs import BlobStore
from services.common.errors import PresslineError, Reason, Violation, invalid
from services.scheduler import audit, clock, fontface, media
from services.scheduler.accounts import Caller
from services.scheduler.audit import AuditLog
from services.scheduler.fonttables import FontError
from services.scheduler.library import BUSY_RETRY_SECONDS, Library, Limits
from services.scheduler.store.assets import Assets, AssetSets

CHANGE_TRIES = 40
LONGEST_PAUSE_SECONDS = 0.05
# Fonts are unpacked to be read; this many at once.
READERS = 2
PART_BYTES = 1 << 20
ACCEPTED = "a PNG, JPEG, WebP, GIF, AVIF or SVG image, or a WOFF2, WOFF, TrueType or OpenType font"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_NAME_RULE = "has 1 to 128 letters, digits, '.', '_' and '-', and begins with a letter or digit"


class AssetDesk:
    """What accounts may do with their assets.

    Args:
        libraries: what there is.
        blobs: the contents.
        log: who changed what.
        limits: of every account.
    """

    def __init__(self, libraries: Assets, blobs: BlobStore, log: AuditLog, limits: Limits) -> None:
        self.limits = limits
        self._libraries = libraries
        self._blobs = blobs
        self._log = log
        self._readers = asyncio.Semaphore(READERS)

    async def create(self, caller: Caller, spec: asset_pb2.AssetSpec, data: bytes) -> asset_pb2.Asset:
        """Store an asset; the same bytes under the same name change nothing.

        Raises:
            PresslineError: VALIDATION_ERROR for its name or its bytes; PAYLOAD_TOO_LARGE; CONFLICT for a name that
                holds other bytes and is not to be replaced, and when there is no room.
        """
        if len(data) > self.limits.bytes_each:
            raise self.too_large()
        account_id, now = caller.account["_id"], clock.now_ms()
        stored = await self._judged(account_id, spec.name, data, now)
        library = await self.library(account_id)
        if library.holds(stored):
            return library.assets[spec.name].asset
        replacing = spec.replace
        await self._change(account_id, lambda it: it.expecting(stored, now, self.limits, replacing=replacing))
        await self._blobs.put(stored.object_key, data, stored.asset.content_type)
        action = audit.ASSET_REPLACED if spec.name in library.assets else audit.ASSET_CREATED
        await self._log.record(account_id, caller.actor, action, spec.name)
        changed = await self._change(
            account_id, lambda it: it.with_asset(stored, clock.now_ms(), self.limits, replacing=replacing)
        )
        return changed.assets[spec.name].asset

    def too_large(self) -> PresslineError:
        """The answer to an asset that is larger than allowed."""
        return PresslineError(Reason.PAYLOAD_TOO_LARGE, f"An asset has at most {self.limits.bytes_each} bytes.")

    async def library(self, account_id: str) -> Library:
        """All that an account has."""
        return Library.of(await self._libraries.get(account_id))

    async def page(self, account_id: str, after: str, size: int) -> tuple[list[asset_pb2.Asset], bool]:
        """Assets with names after one, by name, and whether there are more."""
        library = await self.library(account_id)
        names = (name for name in sorted(library.assets) if name > after)
        found = list(islice(names, size + 1))
        return [library.assets[name].asset for name in found[:size]], len(found) > size

    async def read(self, account_id: str, asset_id: str) -> AsyncIterator[bytes]:
        """The bytes of an asset, in parts; raises NOT_FOUND."""
        stored = (await self.library(account_id)).by_id(asset_id)
        for offset in range(0, stored.asset.size_bytes, PART_BYTES):
            size = min(PART_BYTES, stored.asset.size_bytes - offset)
            yield await self._blobs.get(stored.object_key, offset, size)

    async def delete(self, caller: Caller, asset_id: str) -> None:
        """Delete an asset; its bytes go once no running batch needs them.

        Raises:
            PresslineError: NOT_FOUND.
        """
        account_id = caller.account["_id"]
        name = (await self.library(account_id)).by_id(asset_id).asset.name
        await self._log.record(account_id, caller.actor, audit.ASSET_DELETED, name)
        await self._change(account_id, lambda it: it.without(asset_id, clock.now_ms()))

    async def _change(self, account_id: str, step: Callable[[Library], Library]) -> Library:
        """Put a changed library in the place of the one that it was made from."""
        for _ in range(CHANGE_TRIES):
            library = await self.library(account_id)
            changed = step(library)
            if await self._libraries.put(account_id, library.version, changed.fields, changed.due_ms):
                return changed
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - not a secret
        message = "Too many assets of this account are being changed at once."
        raise PresslineError(Reason.CONFLICT, message, retry_after=BUSY_RETRY_SECONDS)

    async def _judged(self, account_id: str, name: str, data: bytes, now: int) -> StoredAsset:
        """The record of an upload, all that is wrong with it being said at once."""
        violations = [] if _NAME.fullmatch(name) else [Violation("name", _NAME_RULE)]
        content_type, font = media.content_type(data), None
        try:
            if content_type in media.FONTS.values():
                async with self._readers:
                    font = await asyncio.to_thread(fontface.read, data)
        except FontError as error:
            violations.append(Violation("data", str(error)))
        if content_type is None:
            raise invalid(*violations, Violation("data", f"is not {ACCEPTED}"))
        if violations:
            raise invalid(*violations)
        asset = asset_pb2.Asset(
            id=ids.new("asset"),
            name=name,
            kind=asset_pb2.ASSET_KIND_IMAGE if font is None else asset_pb2.ASSET_KIND_FONT,
            content_type=content_type,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            url=addresses.address(name),
            font=font,
            create_time=clock.timestamp(now),
            update_time=clock.timestamp(now),
        )
        return StoredAsset(asset=asset, object_key=f"{account_id}/assets/{ids.new('content')}")


async def pin(libraries: Assets, sets: AssetSets, account_id: str, until_ms: int) -> str:
    """Keep the account's assets as they are now for a batch; the id of the set, empty when there are none."""
    library = Library.of(await libraries.get(account_id))
    if not library.assets:
        return ""
    pinned = AssetSet(assets=[library.assets[name] for name in sorted(library.assets)])
    content = pinned.SerializeToString(deterministic=True)
    set_id = f"assets_{hashlib.sha256(account_id.encode() + b'/' + content).hexdigest()[:40]}"
    await sets.put(set_id, content, until_ms)
    return set_id
