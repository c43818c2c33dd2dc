"""Data that is put aside while a source is filled."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.embedded import Aside

DATA = base64.b64encode(random.Random(3).randbytes(3000)).decode()  # noqa: S311 - a picture, and no secret
OTHER = base64.b64encode(random.Random(4).randbytes(2000)).decode()  # noqa: S311 - likewise
PARTS = st.sampled_from(
    ["{{", "}}", "{{a}}", "url(", "data:font/woff2;base64,", ";base64,", DATA, OTHER, "short", "\n", '"', "é", "=", "x"]
)


def of(body: str, styles: str = "") -> Aside:
    return Aside(SourceDocument(id="a", kind=SourceDocument.KIND_HANDLEBARS_STRICT, body=body, styles=styles))


def test_long_data_is_put_aside_and_comes_back() -> None:
    body = f'<img src="data:image/png;base64,{DATA}">{{{{name}}}}<img src="data:image/png;base64,{OTHER}">'
    styles = f"@font-face {{ src: url(data:font/woff2;base64,{DATA}) }}"
    aside = of(body, styles)
    assert aside
    assert len(aside.rest.body) < 250
    assert len(aside.rest.styles) < 150
    assert (aside.restored(aside.rest.body), aside.restored(aside.rest.styles)) == (body, styles)
    assert aside.length(aside.rest.body) == len(body)
    assert aside.rest.id != "a"


def test_what_is_repeated_comes_back_each_time() -> None:
    aside = of(f"url(data:font/woff2;base64,{DATA})")
    thrice = aside.rest.body * 3
    assert aside.length(thrice) == len(aside.restored(thrice)) == 3 * len(f"url(data:font/woff2;base64,{DATA})")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("data:image/png;base64,AAAA", id="little"),
        pytest.param(DATA, id="no data"),
        pytest.param(f'{{{{#if (eq photo "data:image/png;base64,{DATA}")}}}}x{{{{/if}}}}', id="an argument"),
        pytest.param(f"{{{{! data:image/png;base64,{DATA} }}}}", id="a comment"),
    ],
)
def test_other_sources_stay_as_they_are(body: str) -> None:
    aside = of(body)
    assert not aside
    assert (aside.rest.id, aside.rest.body, aside.restored(body), aside.length(body)) == ("a", body, body, len(body))


@given(st.lists(PARTS, max_size=12).map("".join), st.lists(PARTS, max_size=4).map("".join))
def test_everything_comes_back(body: str, styles: str) -> None:
    aside = of(body, styles)
    assert (aside.restored(aside.rest.body), aside.restored(aside.rest.styles)) == (body, styles)
    assert aside.length(aside.rest.body) == len(body)
    assert aside.rest.body.count("\n") == body.count("\n")
