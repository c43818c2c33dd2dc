"""The table of promises names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REFERENCES = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", (HERE / "README.md").read_text())


def test_the_table_is_read() -> None:
    assert len(REFERENCES) > 70


@pytest.mark.parametrize(("file", "test"), REFERENCES)
def test_what_the_table_names_exists(file: str, test: str) -> None:
    code = (ROOT / file if "/" in file else HERE / file).read_text()
    assert f"def {test}(" in code if test else "def test_" in code
