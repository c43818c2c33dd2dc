from __future__ import annotations

import socket

import pytest

from services.common.addresses import AllowList, is_public, parse_address
from tests.support.address_forms import NUMERIC, PUBLIC, RESOLVED

NOTHING = AllowList()


@pytest.mark.parametrize("text", NUMERIC)
def test_a_special_purpose_address_is_refused(text: str) -> None:
    assert parse_address(text) is not None
    assert not NOTHING.permits("hooks.example.com", text, 443)


@pytest.mark.parametrize("host", RESOLVED)
def test_an_odd_spelling_of_this_machine_is_refused_once_resolved(host: str) -> None:
    addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)}
    assert addresses <= {"127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104 - compared with
    assert not any(NOTHING.permits(host, address, 80) for address in addresses)


@pytest.mark.parametrize("host", RESOLVED)
def test_an_odd_spelling_is_refused_unresolved_too(host: str) -> None:
    assert not NOTHING.permits(host, host, 80)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_permitted(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert is_public(address)
    assert NOTHING.permits("hooks.example.com", text, 443)


@pytest.mark.parametrize(
    ("setting", "host", "address", "port"),
    [
        ("10.0.0.0/8", "any.example", "10.1.2.3", 80),
        ("10.0.0.0/8", "any.example", "::ffff:10.1.2.3", 80),
        ("10.1.2.3/32", "10.1.2.3", "10.1.2.3", 8080),
        ("fd00::/8", "any.example", "fd12::1", 443),
        (" 10.0.0.0/8 , 127.0.0.1:9999 ,", "127.0.0.1", "127.0.0.1", 9999),
        ("127.0.0.1:9999", "localhost", "127.0.0.1", 9999),
        ("127.0.0.1:9999", "x", "::ffff:127.0.0.1", 9999),
        ("[::1]:80", "::1", "::1", 80),
        ("[::ffff:10.0.0.1]:80", "x", "10.0.0.1", 80),
        ("hooks.internal:443", "hooks.internal", "10.9.9.9", 443),
        ("Hooks.Internal:443", "HOOKS.internal.", "10.9.9.9", 443),
        ("receiver:80", "receiver", "172.18.0.4", 80),
    ],
)
def test_what_the_operator_lists_is_permitted(setting: str, host: str, address: str, port: int) -> None:
    assert not NOTHING.permits(host, address, port)
    assert AllowList.parse(setting).permits(host, address, port)


@pytest.mark.parametrize(
    ("setting", "host", "address", "port"),
    [
        ("", "x", "10.0.0.1", 80),
        (" , ", "x", "10.0.0.1", 80),
        ("10.0.0.0/8", "x", "11.0.0.1%2", 80),
        ("10.0.0.0/8", "x", "192.168.0.1", 80),
        ("10.0.0.0/8", "x", "64:ff9b::10.0.0.1", 80),
        ("127.0.0.1:9999", "127.0.0.1", "127.0.0.1", 9998),
        ("hooks.internal:443", "hooks.internal", "10.9.9.9", 80),
        ("hooks.internal:443", "evil.hooks.internal", "10.9.9.9", 443),
        ("hooks.internal:443", "hooks.internal.evil.example", "10.9.9.9", 443),
        ("hooks.internal:443", "hooks.internal", "hooks.internal", 443),
    ],
)
def test_the_allow_list_opens_nothing_else(setting: str, host: str, address: str, port: int) -> None:
    assert not AllowList.parse(setting).permits(host, address, port)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "hooks.internal",
        "hooks.internal:",
        "hooks.internal:0",
        "hooks.internal:65536",
        "hooks.internal:٨٠",
        ":80",
        "::1:80",
        "[::1]",
        "[hooks.internal]:80",
        "[127.0.0.1]:80",
        "*.internal:80",
        "http://hooks.internal:80",
        "127.1:80",
        "0x7f000001:80",
        "2130706433:80",
        "two words:80",
    ],
)
def test_a_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is checked below
        AllowList.parse(f"10.0.0.0/8,{entry}")
    assert repr(entry) in str(raised.value)
