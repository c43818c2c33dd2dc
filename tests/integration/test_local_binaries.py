"""Which binary of a server is taken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pressline_local import binaries
from pressline_local.errors import LocalError


@pytest.mark.parametrize(
    ("name", "says", "taken"),
    [
        ("nats-server", "nats-server: v2.9.10", False),
        ("nats-server", "nats-server: v2.11.0", True),
        ("mongod", "db version v6.0.1", False),
        ("mongod", "db version v8.0.4", True),
        ("weed", "version 30GB 3.99 0123abcd linux amd64", False),
        ("weed", "version 8000GB 4.48 0123abcd linux amd64", True),
        ("weed", "something else", False),
    ],
)
def test_a_binary_on_path_is_taken_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str, taken: bool
) -> None:
    binary = tmp_path / name
    binary.write_text(f"#!/bin/sh\necho '{says}'\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.on_path(name) == (str(binary) if taken else None)


def test_the_packaged_binary_is_the_one_beside_this_python() -> None:
    assert binaries.packaged("weed") == str(Path(sys.executable).parent / "weed")


def test_a_missing_binary_is_a_sentence() -> None:
    with pytest.raises(LocalError, match=r"no-such-server is neither on PATH nor at .*; install pressline\[local\]"):
        binaries.packaged("no-such-server")
