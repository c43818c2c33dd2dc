"""The assets of an account as one document holds them, and what may become of it. Pure.

Contents that no asset has are loose: those of uploads that are not finished, and those that were replaced or deleted
and that running batches may still need. They count against the account's bytes until they are gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from pressline.asset.v1.asset_pb2 import StoredAsset
from services.common.errors import PresslineError, Reason, not_found
from services.scheduler.store.database import Document

# Longer than any upload, and than a batch takes from reading the library to being there.
GRACE_MS = 3_600_000
MAX_LOOSE = 1_000
BUSY_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """What one account may store: assets, bytes of one, bytes of all."""

    count: int
    bytes_each: int
    bytes_total: int


@dataclass(frozen=True)
class Loose:
    """A content that no asset has, and since when."""

    key: str
    size: int
    since_ms: int


@dataclass(frozen=True)
class Library:
    """Everything that an account has stored. `version` is 0 before anything was."""

    version: int = 0
    assets: Mapping[str, StoredAsset] = field(default_factory=dict)
    loose: tuple[Loose, ...] = ()

    @classmethod
    def of(cls, document: Document | None) -> Library:
        """From its stored form."""
        if document is None:
            return cls()
        stored = [StoredAsset.FromString(each) for each in document["assets"]]
        loose = tuple(Loose(each["key"], each["size"], each["since_ms"]) for each in document["loose"])
        return cls(document["version"], {each.asset.name: each for each in stored}, loose)

    @property
    def fields(self) -> Document:
        """The stored form of what is in it."""
        return {
            "assets": [self.assets[name].SerializeToString(deterministic=True) for name in sorted(self.assets)],
            "loose": [{"key": each.key, "size": each.size, "since_ms": each.since_ms} for each in self.loose],
        }

    @property
    def due_ms(self) -> int | None:
        """When its oldest loose content may go; None when it has none."""
        return min((each.since_ms + GRACE_MS for each in self.loose), default=None)

    def by_id(self, asset_id: str) -> StoredAsset:
        """An asset.

        Raises:
            PresslineError: NOT_FOUND.
        """
        found = next((each for each in self.assets.values() if each.asset.id == asset_id), None)
        if found is None:
            raise not_found("asset", asset_id)
        return found

    def holds(self, stored: StoredAsset) -> bool:
        """Whether the same bytes are there under the same name."""
        mine = self.assets.get(stored.asset.name)
        return mine is not None and mine.asset.sha256 == stored.asset.sha256

    def expecting(self, stored: StoredAsset, now: int, limits: Limits, *, replacing: bool) -> Library:
        """With an upload noted that is about to begin; noting it again changes nothing.

        Raises:
            PresslineError: CONFLICT, for a name that holds other bytes, or when there is no room.
        """
        size, name = stored.asset.size_bytes, stored.asset.name
        if any(each.key == stored.object_key for each in self.loose):
            return self
        self._refuse_other_bytes(stored, replacing=replacing)
        if name not in self.assets and len(self.assets) >= limits.count:
            raise PresslineError(Reason.CONFLICT, f"An account has at most {limits.count} assets.")
        if self._bytes + size > limits.bytes_total:
            raise self._no_room(size, limits)
        if len(self.loose) >= MAX_LOOSE:
            message = "Too many assets were replaced or deleted within an hour; their contents are not all gone yet."
            raise PresslineError(Reason.CONFLICT, message)
        return replace(self, loose=(*self.loose, Loose(stored.object_key, size, now)))

    def with_asset(self, stored: StoredAsset, now: int, limits: Limits, *, replacing: bool) -> Library:
        """With an upload that has ended; unchanged when the same bytes are there already, from this one or another.

        Raises:
            PresslineError: CONFLICT, when others took the name or the last place meanwhile; SERVICE_UNAVAILABLE when
                it took too long.
        """
        name, key = stored.asset.name, stored.object_key
        if self.holds(stored):
            return self
        self._refuse_other_bytes(stored, replacing=replacing)
        if name not in self.assets and len(self.assets) >= limits.count:
            raise PresslineError(Reason.CONFLICT, f"An account has at most {limits.count} assets.")
        if not any(each.key == key and each.since_ms > now - GRACE_MS // 2 for each in self.loose):
            raise PresslineError(Reason.SERVICE_UNAVAILABLE, "The upload took too long; nothing was stored.")
        before = self.assets.get(name)
        made = StoredAsset()
        made.CopyFrom(stored)
        if before is not None:
            made.asset.id = before.asset.id
            made.asset.create_time.CopyFrom(before.asset.create_time)
        loose = tuple(each for each in self.loose if each.key != key) + _freed(before, now)
        return replace(self, assets={**self.assets, name: made}, loose=loose)

    def without(self, asset_id: str, now: int) -> Library:
        """With an asset deleted.

        Raises:
            PresslineError: NOT_FOUND.
        """
        gone = self.by_id(asset_id)
        assets = {name: each for name, each in self.assets.items() if name != gone.asset.name}
        return replace(self, assets=assets, loose=self.loose + _freed(gone, now))

    def cleared(self, keys: Collection[str]) -> Library:
        """Without loose contents that are gone."""
        return replace(self, loose=tuple(each for each in self.loose if each.key not in keys))

    @property
    def _bytes(self) -> int:
        return sum(each.asset.size_bytes for each in self.assets.values()) + sum(each.size for each in self.loose)

    def _refuse_other_bytes(self, stored: StoredAsset, *, replacing: bool) -> None:
        name = stored.asset.name
        if name in self.assets and not self.holds(stored) and not replacing:
            message = f"The asset {name!r} holds other bytes; ask to replace it, or choose another name."
            raise PresslineError(Reason.CONFLICT, message)

    def _no_room(self, size: int, limits: Limits) -> PresslineError:
        waiting = sum(each.size for each in self.loose)
        message = f"An account's assets have at most {limits.bytes_total} bytes; {self._bytes} are taken"
        if waiting:
            message += f", {waiting} of them by contents that were replaced or deleted within an hour or are still used"
        return PresslineError(Reason.CONFLICT, f"{message}, and this asset has {size}.")


def _freed(stored: StoredAsset | None, now: int) -> tuple[Loose, ...]:
    return () if stored is None else (Loose(stored.object_key, stored.asset.size_bytes, now),)
