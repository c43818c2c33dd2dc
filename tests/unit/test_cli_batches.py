from __future__ import annotations

import json
from pathlib import Path

import pytest

from pressline_cli.chunks import chunks
from pressline_cli.options import OutputOptions, extension_of, format_of, output_spec, source_of
from pressline_cli.progress import status_text
from pressline_cli.refusal import RefusalError
from pressline_cli.results import Result, Results, write_manifest

WITH_VIEWPORT = '<html><head><META content="width=1600, height=1130" name="Viewport"></head></html>'


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_chunks_by_count_keep_the_order(count: int, sizes: list[int]) -> None:
    items = [{"data": {"n": n}} for n in range(count)]

    runs = list(chunks(iter(items), 10))

    assert [len(run) for run in runs] == sizes
    assert [item for run in runs for item in run] == items


def test_chunks_by_size_let_a_large_item_through_alone() -> None:
    items = [{"data": "x" * 40}, {"data": "y" * 40}, {"data": "z" * 500}, {"data": "w"}]

    runs = list(chunks(iter(items), 10, most_bytes=120))

    assert [[item["data"][0] for item in run] for run in runs] == [["x", "y"], ["z"], ["w"]]


def test_chunks_read_no_further_than_needed() -> None:
    taken = []

    def endless() -> object:
        n = 0
        while True:
            taken.append(n)
            yield {"data": n}
            n += 1

    assert len(next(chunks(endless(), 3))) == 3  # type: ignore[arg-type]
    assert len(taken) == 4


def test_the_size_comes_from_the_option_then_the_document_then_the_default() -> None:
    assert output_spec(OutputOptions("png", size="800x400"), WITH_VIEWPORT)["width"] == 800
    declared = output_spec(OutputOptions("png"), WITH_VIEWPORT)
    assert (declared["width"], declared["height"]) == (1600, 1130)
    plain = output_spec(
        OutputOptions("webp", quality=0.5, scale=2), '<meta name="viewport" content="width=device-width">'
    )
    assert plain == {"format": "webp", "width": 1200, "height": 630, "device_scale_factor": 2, "quality": 0.5}


def test_pages() -> None:
    assert output_spec(OutputOptions("pdf"), WITH_VIEWPORT) == {"format": "pdf"}
    assert output_spec(OutputOptions("pdf", page_size="letter"), "")["page_size"] == "Letter"
    own = output_spec(OutputOptions("pdf", page_size="62mmx29.5mm", margin="2mm"), "")
    assert own == {"format": "pdf", "page_size": {"width": "62mm", "height": "29.5mm"}, "margin": "2mm"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (OutputOptions("png", size="wide"), "--size"),
        (OutputOptions("png", margin="1cm"), "--margin is for PDF only"),
        (OutputOptions("pdf", quality=0.5), "--quality is for images only"),
        (OutputOptions("pdf", page_size="A99"), "--page-size"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: OutputOptions, words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        output_spec(options, "")


def test_sources_by_extension() -> None:
    assert source_of(Path("a.html"), "x", tailwind=False) == {"html": "x"}
    assert source_of(Path("a.TSX"), "x", tailwind=True) == {"react": "x", "tailwind": True}


def test_formats_by_extension() -> None:
    assert format_of(Path("a.JPG")) == "jpeg"
    assert [extension_of("jpeg", None), extension_of("jpeg", "a.JPEG"), extension_of("png", None)] == [
        "jpg",
        "jpeg",
        "png",
    ]
    with pytest.raises(RefusalError, match=r"\.webp"):
        format_of(Path("a.gif"))


def test_status_text() -> None:
    assert status_text(0, 0, 10, 3) == "starting"
    assert status_text(4, 1, 10, 2.5) == "1 failed · 2.0/s · 0:02 left"
    assert status_text(10, 0, 10, 4) == "2.5/s"


def test_the_manifest_lists_rows_in_order_and_leaves_no_partial_file(tmp_path: Path) -> None:
    results = Results(3)
    results.add(Result(2, "c", "failed", "batch_2", error={"code": "TEMPLATE_ERROR", "message": "no"}))
    results.add(Result(0, "Ł", "succeeded", "batch_1", "a.png", "00", 7, 10, 20))
    results.add(Result(1, None, "succeeded", "batch_1", "b.png", "11", 8, 10, 20))

    path = write_manifest(tmp_path, results, {"batches": ["batch_1", "batch_2"]})

    content = json.loads(path.read_text("utf-8"))
    assert [item["index"] for item in content["items"]] == [0, 1, 2]
    assert (content["total"], content["succeeded"], content["failed"]) == (3, 2, 1)
    assert content["items"][2]["error"]["code"] == "TEMPLATE_ERROR"
    assert content["items"][0]["reference"] == "Ł"
    assert [entry.name for entry in tmp_path.iterdir()] == ["manifest.json"]
