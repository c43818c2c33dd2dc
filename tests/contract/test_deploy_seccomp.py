"""The renderer's seccomp profile against the browser that it is for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROFILE = Path(__file__).parents[2] / "deploy/k8s/seccomp/profiles/chromium.json"
EXEC = Path(__file__).parents[1] / "support" / "seccomp_exec.py"
NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that a runtime's default profile refuses
SECONDS = 60
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that an unprivileged user can reach and write to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    return dict(json.loads(PROFILE.read_text()))


def run_under(profile: dict[str, Any], home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    file = home / "profile.json"
    file.write_text(json.dumps(profile))
    file.chmod(0o644)
    return subprocess.run(
        [sys.executable, str(EXEC), str(file), *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)},
        cwd=home,
    )


def screenshot(profile: dict[str, Any], home: Path) -> tuple[bytes, str]:
    """What Chromium, with its sandbox on, makes of a small page; and what it says."""
    target = home / "page.png"
    chromium = os.environ.get("PRESSLINE_CHROMIUM") or shutil.which("chromium-headless-shell")
    assert chromium, "Chromium is not installed"
    done = run_under(profile, home, chromium, "--disable-gpu", f"--screenshot={target}", "data:text/html,<h1>A</h1>")
    return target.read_bytes() if target.exists() else b"", done.stderr


def test_chromium_renders_with_its_sandbox_on(profile: dict[str, Any], home: Path) -> None:
    picture, said = screenshot(profile, home)
    assert picture.startswith(PNG), said


def test_the_default_profile_is_not_enough(profile: dict[str, Any], home: Path) -> None:
    rules = [
        {**rule, "args": [{**rule["args"][0], "value": NEW_NAMESPACES}]} if rule["names"][0] in _NARROWED else rule
        for rule in profile["syscalls"]
        if rule["names"] != ["chroot"]
    ]
    picture, said = screenshot({**profile, "syscalls": rules}, home)
    assert picture == b""
    assert "No usable sandbox" in said


_NARROWED = ("clone", "unshare")


@pytest.mark.parametrize(("namespace", "allowed"), [("--user", True), ("--mount", False), ("--uts", False)])
def test_namespaces_that_the_sandbox_does_not_need_stay_refused(
    profile: dict[str, Any], home: Path, namespace: str, *, allowed: bool
) -> None:
    # In a user namespace of its own a process may make the others, were it not for the filter.
    flags = ["--user"] if namespace == "--user" else ["--user", "--map-root-user", namespace]
    done = run_under(profile, home, "/usr/bin/unshare", *flags, "/bin/true")
    assert (done.returncode == 0) is allowed, done.stderr


@pytest.mark.parametrize("call", ["mount", "umount2", "pivot_root", "setns", "bpf", "init_module", "reboot", "keyctl"])
def test_calls_of_an_administrator_are_refused(profile: dict[str, Any], call: str) -> None:
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    allowed = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
    assert call not in allowed
    assert "clone3" not in allowed
