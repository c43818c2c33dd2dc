"""Links between the project's own pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for folder in ("docs", "deploy", "requirements", "examples")
    for page in (ROOT / folder).rglob("*.md")
    if "node_modules" not in page.parts
)
PAGES += [ROOT / "README.md", ROOT / "CHANGELOG.md"]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_files_are_there(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in targets if "NNNN" not in link and not (page.parent / link).exists()]
    assert missing == []
