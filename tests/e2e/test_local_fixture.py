"""The fixture that the end-to-end tests stand on."""

from __future__ import annotations

from tests.support.stack import Stack


def test_the_stack_has_two_renderers_and_gives_keys(stack: Stack) -> None:
    assert {"renderer-1", "renderer-2"} <= stack.processes().keys()
    assert stack.key() != stack.key()
