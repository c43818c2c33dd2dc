"""Which URLs webhooks may be sent to, as far as the URL itself tells."""

from __future__ import annotations

import pytest

from services.common.addresses import PUBLIC_ONLY, AllowList
from services.scheduler import receivers
from tests.support.address_forms import NUMERIC, PUBLIC, RESOLVED, in_url

MORE_SPELLINGS = (
    "127.0.0.1.",
    "127%2E0.0.1",
    "127.0.0%2e1",
    "%31%32%37.1",
    "127.0.0.1\ufe0f",  # a variation selector, which is mapped to nothing
    "\uff11\uff12\uff17.0.0.1",  # full-width digits
    "localhost.",
    "any.localhost",
    "LocalHost",
)
ALL = AllowList.parse("0.0.0.0/0,::/0")


@pytest.mark.parametrize("host", [*NUMERIC, *RESOLVED, *MORE_SPELLINGS])
@pytest.mark.parametrize("form", ["http://{}/hook", "https://{}:8443", "http://{}?x=1"])
def test_addresses_that_are_not_public_are_refused_in_every_spelling(host: str, form: str) -> None:
    assert (
        receivers.fault(form.format(in_url(host)), PUBLIC_ONLY) == "is not an address of a private or reserved network"
    )


@pytest.mark.parametrize("host", [*PUBLIC, "134744072", "0x08080808", "8.8.2056", "①.①.①.①"])
def test_public_addresses_are_accepted(host: str) -> None:
    assert receivers.fault(f"https://{in_url(host)}/hook", PUBLIC_ONLY) is None


@pytest.mark.parametrize(
    "host", ["example.com", "EXAMPLE.com.", "a_b.example.com", "bücher.example", "😀.example", "intern", "7.example"]
)
def test_names_are_judged_when_something_is_sent(host: str) -> None:
    assert receivers.fault(f"https://{host}/hook", PUBLIC_ONLY) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "//example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "https:///hook",
        "https://example..com/",
        "https://.example.com/",
        f"https://{'a' * 64}.com/",
        "https://example.com\\.internal/",
        "https://exam%20ple.com/",
        "https://exam%2fple.com/",
        "https://exam ple.com/",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://exa\u00admple.com/",  # a soft hyphen, which clients leave out
        "https://127.0.0.256/",
        "https://1.2.3.4.5/",
        "https://0x7f.0.0.0.1/",
        "https://[::1/",
        "https://[example.com]/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:-1/",
        "https://example.com:http/",
    ],
)
def test_what_is_no_url_of_a_receiver_is_refused(url: str) -> None:
    assert receivers.fault(url, ALL) == "is an http or https URL with a host"


@pytest.mark.parametrize("authority", ["me@example.com", "me:secret@example.com", ":@example.com", "127.0.0.1@8.8.8.8"])
def test_credentials_are_refused(authority: str) -> None:
    assert receivers.fault(f"https://{authority}/", ALL) == "carries no user name or password"


def test_a_url_has_an_end() -> None:
    fits = "https://example.com/".ljust(receivers.MAX_CHARACTERS, "x")
    assert receivers.fault(fits, PUBLIC_ONLY) is None
    assert receivers.fault(f"{fits}x", PUBLIC_ONLY) == f"is at most {receivers.MAX_CHARACTERS} characters long"


def test_what_the_operator_lists_is_accepted() -> None:
    allow = AllowList.parse("10.0.0.0/8,127.0.0.1:9999,localhost:8080")
    for url in ("http://10.1.2.3/hook", "http://127.1:9999/", "http://0x7f000001:9999/", "http://LOCALHOST:8080/"):
        assert receivers.fault(url, allow) is None
    for url in ("http://127.0.0.1:9998/", "http://11.0.0.1@x/", "http://192.168.0.1/", "http://localhost/"):
        assert receivers.fault(url, allow)
