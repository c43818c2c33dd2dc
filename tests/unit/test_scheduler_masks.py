"""Field masks and page tokens."""

from __future__ import annotations

import re

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Reason
from services.scheduler import paging
from services.scheduler.masks import MAX_PATHS, ReadMask

PLACE = re.compile(r"([0-9]+):([a-z]+)")


def item() -> batch_pb2.Item:
    whole = batch_pb2.Item(id="gen_1", index=3, warnings=["odd"], reference="r")
    whole.outputs.add(url="https://a", sha256="s", width=2)
    whole.outputs.add(url="https://b", sha256="t", layout="story")
    whole.create_time.FromMilliseconds(5_500)
    return whole


def mask(*paths: str) -> ReadMask:
    return ReadMask(FieldMask(paths=paths), batch_pb2.Item)


def test_an_empty_mask_takes_all() -> None:
    assert mask().trim(item()) == item()
    assert mask().wants("outputs.url")


def test_only_what_is_named_is_left() -> None:
    trimmed = mask("id", "outputs.sha256", "outputs.layout", "create_time.seconds").trim(item())
    wanted = batch_pb2.Item(id="gen_1")
    wanted.outputs.add(sha256="s")
    wanted.outputs.add(sha256="t", layout="story")
    wanted.create_time.seconds = 5
    assert trimmed == wanted


@pytest.mark.parametrize("paths", [("outputs", "outputs.url"), ("outputs.url", "outputs"), ("outputs", "outputs")])
def test_a_field_that_is_wanted_whole_stays_whole(paths: tuple[str, ...]) -> None:
    assert mask(*paths).trim(item()).outputs == item().outputs


def test_what_is_wanted() -> None:
    narrow = mask("outputs.sha256", "id")
    assert narrow.wants("outputs")
    assert narrow.wants("outputs.sha256")
    assert narrow.wants("data", "id")
    assert not narrow.wants("outputs.url")
    assert not narrow.wants("data")
    assert mask("outputs").wants("outputs.url")


@pytest.mark.parametrize("path", ["", "colour", "id.length", "outputs.colour", ".id", "outputs.", "warnings.0", "*"])
def test_a_path_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(PresslineError) as refused:
        mask("id", path)
    assert refused.value.reason is Reason.VALIDATION_ERROR
    assert [violation.path for violation in refused.value.violations] == ["read_mask"]
    assert repr(path) in refused.value.violations[0].message


def test_maps_are_wanted_whole() -> None:
    assert ReadMask(FieldMask(paths=["content.layouts"]), template_pb2.Template).wants("content")
    with pytest.raises(PresslineError):
        ReadMask(FieldMask(paths=["content.layouts.key"]), template_pb2.Template)


def test_a_mask_is_bounded() -> None:
    assert mask(*["id"] * MAX_PATHS).wants("id")
    with pytest.raises(PresslineError):
        mask(*["id"] * (MAX_PATHS + 1))


def test_a_token_comes_back_as_the_place() -> None:
    assert paging.place(paging.token("12:ab"), PLACE) == ("12", "ab")
    assert paging.place("", PLACE) is None


@pytest.mark.parametrize("token", ["x", "12:ab", paging.token("ab:12"), "💥", "////", "AA"])
def test_tokens_of_nobody_are_refused(token: str) -> None:
    with pytest.raises(PresslineError) as refused:
        paging.place(token, PLACE)
    assert [violation.path for violation in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize(("asked", "size"), [(0, 20), (1, 1), (100, 100)])
def test_sizes_of_pages(asked: int, size: int) -> None:
    assert paging.size(asked, 20, 100) == size


@pytest.mark.parametrize("asked", [-1, 101])
def test_sizes_that_no_page_has(asked: int) -> None:
    with pytest.raises(PresslineError) as refused:
        paging.size(asked, 20, 100)
    assert [violation.path for violation in refused.value.violations] == ["page_size"]
