"""Image options before anything is rendered: what is refused, and with which sentence."""

from __future__ import annotations

import pytest

from pressline.batch.v1 import batch_pb2
from pressline_cli.batch_command import warning_lines
from pressline_cli.options import OutputOptions, output_spec
from pressline_cli.refusal import RefusalError
from pressline_cli.results import Result, Results
from services.gateway.models.native import BatchBody
from services.gateway.models.pictify import RenderBody
from services.gateway.translate import native, paths, pictify
from services.scheduler import checks, selectors


@pytest.mark.parametrize(
    "selector",
    [
        "#card",
        "body > .card:not(.hidden) ~ p:nth-child(2n + 1)",
        "[data-x='a,,b)'], [data-y=\"::\"]",
        r".sm\:w-1\/2",
        ":is(h1, h2):has(> img)",
        "*",
    ],
)
def test_selectors_that_a_browser_may_know(selector: str) -> None:
    assert selectors.fault(selector) == ""


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("x" * 301, "at most 300"),
        (" \n", "empty"),
        ("a[href", "lacks a ']'"),
        (":not(.a", "lacks a ')'"),
        ("a)", "a ')' that nothing opens"),
        (":is([)]", "a ')' that nothing opens"),
        ("[a='b]", "a quote that is not closed"),
        ("p{color:red}", "a '{'"),
        ("<p>", "a '<'"),
        ("p::before", "a part of an element"),
        ("> p", "nothing beside it"),
        ("h1, ", "nothing beside it"),
        ("h1,, h2", "nothing beside it"),
        ("a\x01", "control character"),
    ],
)
def test_selectors_that_no_browser_knows(selector: str, said: str) -> None:
    fault = selectors.fault(selector)
    assert said in fault
    assert "must be a CSS selector" in fault or len(selector) > 300


def test_options_come_through_whole() -> None:
    output = {"format": "webp", "selector": "#card", "transparent": True}
    spec = native.batch_spec(BatchBody.model_validate({"defaults": {"html": "x", "output": output}, "items": [{}]}))
    expected = batch_pb2.ImageOptions(quality=0.9, device_scale_factor=1, selector="#card", transparent=True)
    assert spec.output.image == expected
    body = RenderBody.model_validate({"fullPage": True, "transparent": True})
    options = pictify.single_spec("tmpl_1", body).output.image
    assert (options.full_page, options.transparent, options.selector) == (True, True, "")


def test_contradictions_are_all_named_at_once() -> None:
    image = batch_pb2.ImageOptions(selector="p::before", full_page=True, transparent=True, quality=7)
    output = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_JPEG, image=image)
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=batch_pb2.Source(html="x"), output=output)
    found = [item.path for item in checks.batch(spec, [batch_pb2.ItemSpec()])]
    assert [paths.rename(path, paths.NATIVE) for path in found] == [
        "defaults.output.quality",
        "defaults.output.selector",
        "defaults.output.full_page",
        "defaults.output.transparent",
    ]
    assert paths.rename(found[2], paths.PICTIFY) == "fullPage"


def test_what_fits_together_is_not_refused() -> None:
    for format_, options in (
        (batch_pb2.FORMAT_PNG, batch_pb2.ImageOptions(selector=".a", transparent=True, device_scale_factor=2)),
        (batch_pb2.FORMAT_WEBP, batch_pb2.ImageOptions(full_page=True, transparent=True, height=1)),
        (batch_pb2.FORMAT_JPEG, batch_pb2.ImageOptions(full_page=True)),
    ):
        spec = batch_pb2.BatchSpec(
            dialect=batch_pb2.DIALECT_NATIVE,
            source=batch_pb2.Source(html="x"),
            output=batch_pb2.OutputSpec(format=format_, image=options),
        )
        assert checks.batch(spec, [batch_pb2.ItemSpec()]) == []


def test_the_command_line_passes_on_what_was_said() -> None:
    said = OutputOptions("webp", "10x20", selector="#card", transparent=True)
    assert output_spec(said, "") == {
        "format": "webp",
        "width": 10,
        "height": 20,
        "selector": "#card",
        "transparent": True,
    }
    with pytest.raises(RefusalError, match="--full-page is for images only"):
        output_spec(OutputOptions("pdf", full_page=True), "")


def test_the_command_line_shows_some_warnings_and_counts_the_rest() -> None:
    rows = [Result(index, None, "succeeded", "batch_1", warnings=["A: b.", "C: d."]) for index in range(11)]
    lines = warning_lines(Results(11, {row.index: row for row in rows}))
    assert lines[:3] == ["row 1: A: b.", "row 1: C: d.", "row 2: A: b."]
    assert (len(lines), lines[-1]) == (21, "2 more warnings in the manifest")
    assert warning_lines(Results(1)) == []
