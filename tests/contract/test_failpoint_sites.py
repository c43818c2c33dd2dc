"""Every failpoint is somewhere in the code of the service that it names, and once."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import services
from services.common.failpoints import Failpoint

ROOT = Path(services.__file__).parent
PAGE = ROOT.parent / "docs" / "testing.md"


def sites() -> Iterator[tuple[str, str]]:
    """Service and member of every `failpoint(Failpoint.MEMBER)`."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="failpoint"), args=[ast.Attribute(value=ast.Name(id="Failpoint"), attr=member)]
                ):
                    yield path.relative_to(ROOT).parts[0], member


def test_each_failpoint_is_at_one_place_of_its_service() -> None:
    declared = Counter((point.service, point.name) for point in Failpoint)
    assert Counter(sites()) == declared


def test_names_tell_the_service_the_activity_and_the_step() -> None:
    assert {point.service for point in Failpoint} == {"gateway", "scheduler", "renderer", "notifier"}
    assert {len(point.split(".")) for point in Failpoint} == {3}
    assert len(set(Failpoint)) == len(Failpoint.__members__)


def test_the_page_has_each_of_them_in_order() -> None:
    assert re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(Failpoint)
