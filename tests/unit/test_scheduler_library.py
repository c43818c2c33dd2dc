"""What one account may store, and what becomes of what it replaces and deletes."""

from __future__ import annotations

import pytest

from pressline.asset.v1.asset_pb2 import Asset, StoredAsset
from services.common.errors import PresslineError, Reason
from services.scheduler.library import GRACE_MS, MAX_LOOSE, Library, Limits, Loose

NOW = 10_000_000
LIMITS = Limits(count=2, bytes_each=100, bytes_total=100)


def upload(name: str, size: int = 10, key: str = "", sha256: str = "") -> StoredAsset:
    key = key or f"key-{name}"
    asset = Asset(id=f"id-{key}", name=name, size_bytes=size, sha256=sha256 or key)
    return StoredAsset(asset=asset, object_key=key)


def stored(library: Library, made: StoredAsset, now: int = NOW, *, replacing: bool = False) -> Library:
    expecting = library.expecting(made, now, LIMITS, replacing=replacing)
    return expecting.with_asset(made, now, LIMITS, replacing=replacing)


def refusal(library: Library, made: StoredAsset, *, replacing: bool = False) -> str:
    with pytest.raises(PresslineError) as refused:
        library.expecting(made, NOW, LIMITS, replacing=replacing)
    assert refused.value.reason is Reason.CONFLICT
    return refused.value.message


def test_an_upload_is_loose_until_it_has_ended() -> None:
    begun = Library().expecting(upload("a"), NOW, LIMITS, replacing=False)
    assert (begun.assets, begun.loose, begun.due_ms) == ({}, (Loose("key-a", 10, NOW),), NOW + GRACE_MS)
    ended = begun.with_asset(upload("a"), NOW, LIMITS, replacing=False)
    assert (list(ended.assets), ended.loose, ended.due_ms) == (["a"], (), None)


def test_a_library_survives_being_stored() -> None:
    library = stored(Library(), upload("a")).without("id-key-a", NOW)
    library = stored(library, upload("b"))
    assert Library.of({**library.fields, "version": 0}) == library


def test_a_name_is_not_taken_from_what_holds_other_bytes() -> None:
    library = stored(Library(), upload("a"))
    assert library.holds(upload("a", sha256="key-a"))
    assert not library.holds(upload("a", key="new"))
    assert "holds other bytes" in refusal(library, upload("a", key="new"))
    with pytest.raises(PresslineError, match="holds other bytes"):
        library.with_asset(upload("a", key="new"), NOW, LIMITS, replacing=False)


def test_a_step_that_is_repeated_changes_nothing() -> None:
    begun = Library().expecting(upload("a"), NOW, LIMITS, replacing=False)
    assert begun.expecting(upload("a"), NOW, LIMITS, replacing=False) is begun
    ended = begun.with_asset(upload("a"), NOW, LIMITS, replacing=False)
    assert ended.with_asset(upload("a"), NOW, LIMITS, replacing=False) is ended


def test_of_two_uploads_of_the_same_bytes_the_later_one_is_let_go() -> None:
    first, second = upload("a", key="first", sha256="same"), upload("a", key="second", sha256="same")
    begun = Library().expecting(first, NOW, LIMITS, replacing=False).expecting(second, NOW, LIMITS, replacing=False)
    ended = begun.with_asset(first, NOW, LIMITS, replacing=False).with_asset(second, NOW, LIMITS, replacing=False)
    assert (ended.assets["a"].object_key, [each.key for each in ended.loose]) == ("first", ["second"])


def test_a_replaced_asset_keeps_its_id_and_lets_its_bytes_loose() -> None:
    library = stored(stored(Library(), upload("a")), upload("a", key="new"), NOW + 1, replacing=True)
    assert library.assets["a"].asset.id == "id-key-a"
    assert library.assets["a"].object_key == "new"
    assert library.loose == (Loose("key-a", 10, NOW + 1),)


def test_count_and_bytes_are_bounded_with_what_is_not_gone_yet() -> None:
    library = stored(stored(Library(), upload("a", 60)), upload("b", 10))
    assert "at most 2 assets" in refusal(library, upload("c"))
    deleted = library.without("id-key-a", NOW)
    message = refusal(deleted, upload("c", 31))
    assert message.startswith("An account's assets have at most 100 bytes; 70 are taken, 60 of them by contents")
    assert "c" in stored(deleted, upload("c", 30)).assets
    assert "c" in stored(deleted.cleared({"key-a"}), upload("c", 90)).assets


def test_what_was_let_loose_is_bounded() -> None:
    library = Library(loose=tuple(Loose(str(number), 0, NOW) for number in range(MAX_LOOSE)))
    assert "Too many assets" in refusal(library, upload("a"))


@pytest.mark.parametrize("late", [GRACE_MS // 2, GRACE_MS * 3])
def test_an_upload_that_took_long_is_not_believed_any_more(late: int) -> None:
    begun = Library().expecting(upload("a"), NOW, LIMITS, replacing=False)
    with pytest.raises(PresslineError, match="took too long"):
        begun.with_asset(upload("a"), NOW + late, LIMITS, replacing=False)
    with pytest.raises(PresslineError, match="took too long"):
        begun.cleared({"key-a"}).with_asset(upload("a"), NOW, LIMITS, replacing=False)


def test_only_what_is_there_is_deleted() -> None:
    with pytest.raises(PresslineError) as refused:
        stored(Library(), upload("a")).without("id-other", NOW)
    assert refused.value.reason is Reason.NOT_FOUND
