from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from services.common.addresses import AllowList, is_public

ipv4 = st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address)))
ipv6 = st.ip_addresses(v=6).map(lambda address: IPv6Address(int(address)))
names = st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z][a-z0-9]{0,10}){0,3}", fullmatch=True)
ports = st.integers(1, 65_535)


@given(ipv4)
def test_wrapping_an_ipv4_address_never_makes_it_public(inner: IPv4Address) -> None:
    number = int(inner)
    wrapped = {
        "mapped": IPv6Address(0xFFFF << 32 | number),
        "compatible": IPv6Address(number),
        "nat64": IPv6Address(0x64FF9B << 96 | number),
        "6to4": IPv6Address(0x2002 << 112 | number << 80),
        "teredo server": IPv6Address(0x20010000 << 96 | number << 64 | 0xF7F7F7F7),
        "teredo client": IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF)),
    }
    public = {name for name, address in wrapped.items() if is_public(address)}
    assert public == (set(wrapped) - {"compatible"} if is_public(inner) else set())


@given(ipv6)
def test_a_public_ipv6_address_is_global_unicast_or_carries_ipv4(address: IPv6Address) -> None:
    carries_ipv4 = address.ipv4_mapped is not None or int(address) >> 32 == 0x64FF9B << 64
    assert not is_public(address) or carries_ipv4 or int(address) >> 125 == 1


@given(st.one_of(ipv4, ipv6))
def test_nothing_private_by_the_standard_library_is_public(address: IPv4Address | IPv6Address) -> None:
    # The library is too generous, never too strict, except for the ranges that are judged by what they carry.
    carries_ipv4 = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo)
    if not carries_ipv4:
        assert not (is_public(address) and address.is_private)


@given(names, ports, ipv4)
def test_a_listed_name_opens_exactly_its_port(name: str, port: int, address: IPv4Address) -> None:
    listed = AllowList.parse(f"{name}:{port}")
    assert listed.permits(name, str(address), port)
    assert listed.permits(name, str(address), port % 65_535 + 1) == is_public(address)
    assert listed.permits(f"x{name}", str(address), port) == is_public(address)


@given(st.text(max_size=40))
def test_any_setting_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        AllowList.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both outcomes are fine, anything else is not


@given(st.text(max_size=40))
def test_text_that_is_no_address_is_never_permitted(text: str) -> None:
    assert not AllowList.parse("0.0.0.0/0,::/0").permits(text, f"{text}.example", 80)
