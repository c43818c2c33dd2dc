"""Which hosts an account can list, what its policy lets documents ask for, and what is wrong with one."""

from __future__ import annotations

import pytest

from pressline.account.v1.account_pb2 import (
    EGRESS_MODE_ALLOWLIST,
    EGRESS_MODE_NONE,
    EGRESS_MODE_PUBLIC,
    EgressMode,
    EgressPolicy,
)
from services.common.remote_hosts import HostList, canonical
from services.renderer.egress.gate import ACCOUNT_CLOSED, INSTALLATION_CLOSED, NOT_LISTED, Gate, gate_of
from services.renderer.egress.policy import Mode
from services.renderer.egress.resource import NotLoadedError
from services.scheduler import audit, egress

LONGEST = ".".join(["x" * 61] * 4) + ".abcde"


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ("cdn.example.com", "cdn.example.com"),
        ("CDN.Example.COM.", "cdn.example.com"),
        ("*.Example.com", "*.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("1.1.1.1", "1.1.1.1"),
        ("2606:4700:0:0::1111", "2606:4700::1111"),
        ("::ffff:1.1.1.1", "1.1.1.1"),
        (LONGEST, LONGEST),
        (f"*.{LONGEST}", f"*.{LONGEST}"),
    ],
)
def test_hosts_in_the_form_in_which_they_are_compared(entry: str, form: str) -> None:
    assert canonical(entry) == form


@pytest.mark.parametrize(
    "entry",
    [
        *("", "*", "*.", ".", "..", "a..b", "-a.example", "a b.example", "cdn.example.com ", "\ncdn.example.com"),
        *("https://example.com", "example.com/x", "example.com:443", "[::1]", "me@example.com", "bücher.example"),
        *("10.0.0.0/8", "*.1.1.1.1", "*.*.example.com", "a.*.example.com", "*example.com", "0x7f.1", "127.1"),
        *(f"x{LONGEST}", f"*.x{LONGEST}", "x" * 300),
    ],
)
def test_what_is_no_host(entry: str) -> None:
    assert canonical(entry) is None


def test_a_list_names_hosts_whole_and_what_is_beneath_a_name() -> None:
    listed = HostList.of(["cdn.example.com", "*.fonts.example", "1.1.1.1", "2606:4700::1111", "not a host"])
    hosts = (
        "cdn.example.com",
        "CDN.EXAMPLE.COM.",
        "a.fonts.example",
        "a.b.fonts.example",
        "1.1.1.1",
        "2606:4700:0::1111",
    )
    assert all(map(listed.lists, hosts))
    others = ("example.com", "x.cdn.example.com", "xcdn.example.com", "fonts.example", "xfonts.example", "1.1.1.2", "")
    assert not any(map(listed.lists, others))
    assert not HostList.of([]).lists("example.com")


def refusal(gate: Gate, url: str) -> str:
    try:
        gate.check(url)
    except NotLoadedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("installed", [Mode.PUBLIC, Mode.ALLOWLIST])
def test_the_gate_of_each_policy(installed: Mode) -> None:
    for everything in (EgressPolicy(), EgressPolicy(mode=EGRESS_MODE_PUBLIC)):
        assert refusal(gate_of(everything, installed), "https://example.com/x") == ""
    nothing = gate_of(EgressPolicy(mode=EGRESS_MODE_NONE, hosts=["example.com"]), installed)
    assert refusal(nothing, "https://example.com/x") == ACCOUNT_CLOSED
    unheard = gate_of(EgressPolicy(mode=9, hosts=["example.com"]), installed)  # type: ignore[arg-type]
    assert refusal(unheard, "https://example.com/x") == ACCOUNT_CLOSED
    listed = gate_of(EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=["example.com", "*.cdn.example"]), installed)
    for url in ("https://example.com/x", "http://EXAMPLE.com:8080/", "https://a.cdn.example/?u=http://b.example/"):
        assert refusal(listed, url) == ""
    assert refusal(gate_of(EgressPolicy(mode=EGRESS_MODE_ALLOWLIST), installed), "https://example.com/") == NOT_LISTED


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.org/", "https://www.example.com/", "https://example.com.evil.example/", "http://1.1.1.1/"),
        *("https://evil.example/example.com", "https://evil.example#example.com", "https://evil.example?@example.com"),
        *("https://example.com@evil.example/", "https://evil.example\\@example.com/", "https://ex%61mple.com/"),
        *("https://", "ftp://example.com/", "https://example.com/\r\nHost: evil.example", "https://[/"),
    ],
)
def test_an_address_cannot_pretend_to_be_on_the_list(url: str) -> None:
    listed = gate_of(EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=["example.com"]), Mode.PUBLIC)
    assert refusal(listed, url)


def test_what_the_installation_closes_no_account_opens() -> None:
    for mode in EgressMode.values():
        policy = EgressPolicy(mode=mode, hosts=["example.com"])
        assert refusal(gate_of(policy, Mode.NONE), "https://example.com/") == INSTALLATION_CLOSED


@pytest.mark.parametrize(
    ("policy", "paths"),
    [
        (EgressPolicy(mode=EGRESS_MODE_PUBLIC), []),
        (EgressPolicy(mode=EGRESS_MODE_NONE), []),
        (EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=["example.com"] * 50), []),
        (EgressPolicy(), ["egress.mode"]),
        (EgressPolicy(mode=9), ["egress.mode"]),  # type: ignore[arg-type]
        (EgressPolicy(mode=EGRESS_MODE_ALLOWLIST), ["egress.hosts"]),
        (EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=["example.com"] * 51), ["egress.hosts"]),
        (EgressPolicy(mode=EGRESS_MODE_NONE, hosts=["example.com"]), ["egress.hosts"]),
        (EgressPolicy(hosts=["*", "example.com", "a:1"]), ["egress.mode", "egress.hosts[0]", "egress.hosts[2]"]),
        (EgressPolicy(mode=EGRESS_MODE_PUBLIC, hosts=["*"]), ["egress.hosts", "egress.hosts[0]"]),
    ],
)
def test_everything_that_is_wrong_with_a_policy_is_named(policy: EgressPolicy, paths: list[str]) -> None:
    assert [each.path for each in egress.violations(policy, "egress")] == paths


def test_a_policy_is_kept_in_one_form_and_told_in_bounds() -> None:
    hosts = ["B.example", "a.example", "b.example.", "*.A.example"]
    stored = egress.field_of(EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=hosts))
    kept = egress.of({"_id": "batch", **egress.copied({"_id": "account", **stored})})
    assert list(kept.hosts) == ["b.example", "a.example", "*.a.example"]
    assert egress.sentence(kept) == "allowlist b.example a.example *.a.example"
    long = EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=[LONGEST] * 50)
    # A page of the log fits into a message.
    assert len(egress.sentence(long)) * audit.LARGEST_PAGE < 2_000_000
    assert egress.of({"_id": "from before"}) == EgressPolicy(mode=EGRESS_MODE_PUBLIC)
    assert egress.copied({"_id": "from before"}) == {}
