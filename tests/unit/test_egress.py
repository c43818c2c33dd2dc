"""What may be reached, what counts as which kind of resource, and which documents could load anything."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.common.addresses import AllowList
from services.common.assets import address
from services.renderer.egress.policy import Mode, Policy
from services.renderer.egress.resource import Kind, NotLoadedError, check_type, shortened
from services.renderer.egress.settings import EgressSettings
from services.renderer.engine.model import Document
from services.renderer.engine.remote import RemoteRoute, may_load
from services.renderer.settings import RendererSettings
from tests.support.address_forms import NUMERIC, PUBLIC


def test_public_addresses_at_the_ports_of_the_web() -> None:
    policy = Policy()
    assert all(policy.permits("example.com", each, port) for each in PUBLIC for port in (80, 443))
    assert not any(policy.permits("example.com", each, port) for each in PUBLIC for port in (0, 22, 25, 8080))
    assert not any(policy.permits("example.com", each, 443) for each in (*NUMERIC, "example.com", ""))


def test_what_the_operator_lists() -> None:
    allow = AllowList.parse("cdn.internal:8080, 10.1.0.0/16")
    for mode in (Mode.PUBLIC, Mode.ALLOWLIST):
        policy = Policy(mode, allow)
        assert policy.permits("cdn.internal", "192.168.0.7", 8080)
        assert policy.permits("CDN.internal.", "192.168.0.7", 8080)
        assert policy.permits("anything", "10.1.2.3", 9000)
        assert not policy.permits("cdn.internal", "192.168.0.7", 443)
        assert not policy.permits("other.internal", "192.168.0.7", 8080)
        assert policy.permits("example.com", "1.1.1.1", 443) == (mode is Mode.PUBLIC)
    nothing = Policy(Mode.NONE, allow)
    assert not nothing.permits("cdn.internal", "192.168.0.7", 8080)
    assert not nothing.permits("example.com", "1.1.1.1", 443)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        (Kind.IMAGE, "image/png"),
        (Kind.IMAGE, "IMAGE/SVG+XML; charset=utf-8"),
        (Kind.IMAGE, "application/octet-stream"),
        (Kind.IMAGE, ""),
        (Kind.FONT, "font/woff2"),
        (Kind.FONT, "application/x-font-ttf"),
        (Kind.FONT, "binary/octet-stream"),
        (Kind.FONT, ""),
        (Kind.STYLESHEET, "text/css;charset=UTF-8"),
        (Kind.SCRIPT, "application/javascript"),
        (Kind.DATA, "anything/at-all"),
        (Kind.DATA, ""),
    ],
)
def test_media_types_that_fit(kind: Kind, content_type: str) -> None:
    check_type(kind, content_type)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        (Kind.IMAGE, "text/html"),
        (Kind.FONT, "text/html; charset=utf-8"),
        (Kind.FONT, "image/png"),
        (Kind.STYLESHEET, "application/octet-stream"),
        (Kind.STYLESHEET, ""),
        (Kind.SCRIPT, "text/html"),
        (Kind.SCRIPT, ""),
    ],
)
def test_media_types_that_do_not_fit(kind: Kind, content_type: str) -> None:
    with pytest.raises(NotLoadedError, match=r"text/html|image/png|octet-stream|no media type"):
        check_type(kind, content_type)


def test_addresses_are_shortened_for_people() -> None:
    assert shortened("http://example.com/x") == "http://example.com/x"
    assert len(shortened("http://example.com/" + "x" * 500)) == 120


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://example.com/x.png">',
        "<img src=HTTPS://example.com/x.png>",
        "<img src=//example.com/x.png>",
        "<style>@import url(http://[2606:4700::1111]/x.css)</style>",
        '<img src="https:&#x2F;&#x2F;example.com/x.png">',
        r'<p style="background:url(https:\/\/example.com/x.png)">',
        '<a href="https://example.com/" style="background:url(https://example.com/x.png)">',
        '<base href="https://example.com/"><img src=x.png>',
        "<a href=//example.com>" * 3_000,  # more than are looked at
        '<a href="https://example.com/"><img srcset="x.png, https://example.com/y.png 2x"></a>',
    ],
)
def test_documents_that_could_load_something(html: str) -> None:
    assert may_load(Document(html, scripted=False))


@pytest.mark.parametrize(
    "html",
    [
        "<p>nothing",
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        f'<img src="{address("logo.png")}">',
        '<img src="data:image/png;base64,AAAA//8AAP//AAD//w==">',
        "<style>/* // a comment */</style>",
        '<a class=x href="https://example.com/">https://example.com/</a><A HREF = http://example.com/>x</A>',
    ],
)
def test_documents_that_could_not(html: str) -> None:
    assert not may_load(Document(html, scripted=False))
    assert may_load(Document(html, scripted=True))


@pytest.mark.parametrize(
    ("url", "kind", "taken"),
    [
        ("https://example.com/x.png", "Image", True),
        ("http://example.com:8080/x", "XHR", True),
        ("https://example.com/page", "Document", False),
        ("https://document.invalid/relative.png", "Image", False),
        (address("logo.png"), "Image", False),
        ("data:image/png;base64,AAAA", "Image", False),
        ("file:///etc/passwd", "Image", False),
    ],
)
def test_which_requests_are_taken(url: str, kind: str, *, taken: bool) -> None:
    route = RemoteRoute(None)  # type: ignore[arg-type]
    assert route.takes({"request": {"url": url}, "resourceType": kind}) == taken


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EgressSettings().template_egress is Mode.PUBLIC
    assert EgressSettings().template_allow == AllowList()
    monkeypatch.setenv("PRESSLINE_TEMPLATE_ALLOW", "10.0.0.0/8,cdn.internal:443")
    monkeypatch.setenv("PRESSLINE_TEMPLATE_EGRESS", "none")
    assert EgressSettings().template_allow.lists("cdn.internal", "10.0.0.1", 443)
    assert EgressSettings().template_egress is Mode.NONE
    assert issubclass(RendererSettings, EgressSettings)
    monkeypatch.setenv("PRESSLINE_TEMPLATE_ALLOW", "10.0.0.1/8")
    with pytest.raises(ValidationError, match=r"10\.0\.0\.1/8"):
        EgressSettings()
