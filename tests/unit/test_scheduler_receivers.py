"""Which webhook addresses are one receiver, and how much room each has."""

from __future__ import annotations

import pytest

from services.scheduler.receivers import Room, host_and_port


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Example.com/a?b#c", "example.com:443"),
        ("http://example.com", "example.com:80"),
        ("http://example.com:443/", "example.com:443"),
        ("https://[2001:db8::1]:8443/", "2001:db8::1:8443"),
        ("ftp://example.com/", ""),
        ("http://example.com:99999/", ""),
        ("http://[broken/", ""),
    ],
)
def test_a_receiver_is_a_host_and_a_port(url: str, receiver: str) -> None:
    assert host_and_port(url) == receiver


def test_a_receiver_gets_no_more_than_its_room() -> None:
    room = Room(2, {"a:1": 1, "b:1": 2, "c:1": 5})
    assert room.full == ["b:1", "c:1"]
    assert [room.take("a:1"), room.take("a:1"), room.take("b:1"), room.take("new:1")] == [True, False, False, True]
    assert room.full == ["a:1", "b:1", "c:1"]


def test_without_a_bound_nobody_is_full() -> None:
    room = Room(0, {"a:1": 100})
    assert room.take("a:1")
    assert room.full == []
