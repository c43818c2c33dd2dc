"""Whom the gateway takes a request to be from, and the path that it takes it to be for."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.outside import client_of, without_base

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        # Nobody but a trusted proxy is believed.
        (CLIENT, ["198.51.100.1"], CLIENT),
        (CLIENT, [PROXY], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        # What the client itself sent stands to the left of what the proxy added.
        (PROXY, [f"198.51.100.1, {CLIENT}"], CLIENT),
        (PROXY, [f"127.0.0.1, 10.9.9.9, {CLIENT}"], CLIENT),
        (PROXY, ["198.51.100.1", CLIENT], CLIENT),
        # Through several trusted proxies.
        (PROXY, [f"198.51.100.1, {CLIENT}, 10.0.0.3, 10.0.0.2"], CLIENT),
        (PROXY, [CLIENT, "10.0.0.3,10.0.0.2"], CLIENT),
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        # As proxies write addresses.
        (PROXY, [f"{CLIENT}:49152"], CLIENT),
        (PROXY, ["2001:db8::7"], "2001:db8::7"),
        (PROXY, ["[2001:db8::7]"], "2001:db8::7"),
        (PROXY, ["[2001:db8::7]:49152"], "2001:db8::7"),
        (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
        (PROXY, [f"{CLIENT}, ::ffff:10.0.0.2"], CLIENT),
        ("fd00::1", [f" {CLIENT} "], CLIENT),
        # What is no address ends the chain: the proxy that handed it on is the last that is known.
        (PROXY, ["unknown"], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, [f"{CLIENT}, "], PROXY),
        (PROXY, [f"{CLIENT}, _hidden, 10.0.0.2"], "10.0.0.2"),
        (PROXY, ["fe80::1%25eth0"], PROXY),
        (PROXY, ["localhost"], PROXY),
        (PROXY, ["[2001:db8::7"], "2001:db8::7"),
    ],
)
def test_the_client_is_the_rightmost_that_is_no_trusted_proxy(peer: str, forwarded_for: list[str], client: str) -> None:
    assert client_of(peer, forwarded_for, PROXIES) == client


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=40), max_size=5))
def test_what_a_client_makes_up_changes_nothing(made_up: list[str]) -> None:
    """A proxy adds the address that it was called from, whatever was sent to it."""
    assert client_of(PROXY, [*made_up, CLIENT], PROXIES) == CLIENT
    assert client_of(PROXY, [",".join([*made_up, CLIENT])], PROXIES) == CLIENT
    assert client_of(CLIENT, made_up, PROXIES) == CLIENT


@pytest.mark.parametrize(
    ("path", "base", "seen"),
    [
        ("/v1/batches", "", "/v1/batches"),
        ("/v1/batches", "/render", "/v1/batches"),
        ("/render/v1/batches", "/render", "/v1/batches"),
        ("/render/pdf/healthz", "/render/pdf", "/healthz"),
        ("/render", "/render", "/"),
        ("/render/", "/render", "/"),
        ("/rendering/v1", "/render", "/rendering/v1"),
        ("/render/render/v1", "/render", "/render/v1"),
        ("/", "/render", "/"),
    ],
)
def test_routes_are_there_with_the_base_path_and_without(path: str, base: str, seen: str) -> None:
    assert without_base(path, base) == seen
