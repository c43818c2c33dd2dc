"""Names in an archive, and the manifest."""

from __future__ import annotations

import json

import pytest

from pressline.archive.v1.job_pb2 import ArchiveEntry
from pressline.batch.v1 import batch_pb2
from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PDF, FORMAT_PNG, Output
from pressline.task.v1.task_pb2 import StoredOutput
from services.renderer.archives import contents
from services.renderer.archives.names import MAX_BYTES, Names

PNG = Output(format=FORMAT_PNG)


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("card.png", "card.png"),
        ("card.PNG", "card.PNG"),
        ("card", "card.png"),
        ("card.v2", "card.v2.png"),
        ("card.webp", "card.webp.png"),
        ("", "0007.png"),
        (".png", "png.png"),
        ("..", "0007.png"),
        ("///", "0007.png"),
        ("../../etc/passwd", "_.._etc_passwd.png"),
        ("/etc/passwd", "_etc_passwd.png"),
        ("a\\b:c*?.png", "a_b_c__.png"),
        ("C:\\Windows\\x.png", "C__Windows_x.png"),
        ("a\x00b\nc.png", "abc.png"),
        ("evil\u202egnp.exe", "evilgnp.exe.png"),
        (" card. .", "card.png"),
        ("con.png", "_con.png"),
        ("COM1", "_COM1.png"),
        ("Grüße 日本 👩\u200d💻.png", "Grüße 日本 👩\u200d💻.png"),
        ("u\u0308ber.png", "\u00fcber.png"),
    ],
)
def test_wishes_become_names_that_every_system_takes(wish: str, name: str) -> None:
    assert Names(5_000).of(7, wish, PNG) == name


def test_no_two_names_are_alike_on_any_system() -> None:
    names = Names(10)
    wishes = ["a.png", "A.PNG", "a-2.png", "a", "ü.png", "u\u0308.png", "manifest.json", "1", ""]
    given = [names.of(index % 2, wish, PNG) for index, wish in enumerate(wishes)]
    expected = ["a.png", "A-2.PNG", "a-2-2.png", "a-3.png", "ü.png", "ü-2.png", "manifest.json.png", "1.png", "0.png"]
    assert given == expected
    assert len({name.casefold() for name in given}) == len(given)


def test_thousands_of_equal_wishes_stay_cheap_and_apart() -> None:
    names = Names(10_000)
    assert len({names.of(index, "same", PNG) for index in range(10_000)}) == 10_000


def test_long_names_are_cut_between_characters_and_keep_their_ending() -> None:
    names = Names(2)
    first, second = (names.of(0, "ö" * 500, Output(format=FORMAT_PDF, layout="wide")) for _ in range(2))
    assert first.endswith("ö-wide.pdf")
    assert second.endswith("ö-2-wide.pdf")
    assert max(len(first.encode()), len(second.encode())) <= MAX_BYTES


def test_layouts_are_part_of_the_name() -> None:
    names = Names(3)
    outputs = [Output(format=FORMAT_JPEG, layout=layout) for layout in ("square", "wide")]
    assert [names.of(2, "ada.jpeg", output) for output in outputs] == ["ada-square.jpeg", "ada-wide.jpeg"]
    assert [names.of(2, "", output) for output in outputs] == ["2-square.jpg", "2-wide.jpg"]


def test_the_manifest_lists_every_item() -> None:
    output = Output(format=FORMAT_PNG, layout="wide", width=10, height=20, size_bytes=5, sha256="ab")
    entries = [
        ArchiveEntry(
            item_id="gen_0",
            reference="r",
            state=batch_pb2.ITEM_STATE_SUCCEEDED,
            outputs=[StoredOutput(object_key="k", output=output)],
        ),
        ArchiveEntry(
            item_id="gen_1",
            index=1,
            state=batch_pb2.ITEM_STATE_FAILED,
            errors=[batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")],
        ),
        ArchiveEntry(item_id="gen_2", index=2, state=batch_pb2.ITEM_STATE_CANCELLED),
    ]
    listed = json.loads(contents.manifest("batch_x", contents.named(entries)))
    file = {"file": "0-wide.png", "layout": "wide", "format": "png", "width": 10, "height": 20, "pages": None}
    assert listed["batch_id"] == "batch_x"
    assert listed["items"][0] == {
        "index": 0,
        "id": "gen_0",
        "reference": "r",
        "status": "succeeded",
        "file": "0-wide.png",
        "bytes": 5,
        "sha256": "ab",
        "files": [{**file, "bytes": 5, "sha256": "ab"}],
        "error": None,
    }
    assert [item["status"] for item in listed["items"]] == ["succeeded", "failed", "cancelled"]
    assert [item["file"] for item in listed["items"][1:]] == [None, None]
    assert listed["items"][1]["error"] == {"code": "TEMPLATE_ERROR", "message": "no"}


@pytest.mark.parametrize(
    ("entry", "title"),
    [
        (ArchiveEntry(index=4, reference="INV-5", filename="five.pdf"), "INV-5"),
        (ArchiveEntry(index=4, filename="five.pdf"), "five.pdf"),
        (ArchiveEntry(index=4), "Item 5"),
    ],
)
def test_outline_entries_are_called_what_their_owner_calls_them(entry: ArchiveEntry, title: str) -> None:
    assert contents.title(entry) == title
