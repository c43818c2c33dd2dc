"""Functions that a page is asked by, in a world of their own: it sees the page's DOM, but no object of its scripts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

WEB = Path(__file__).parent.parent / "web"
_FUNCTIONS = ("settled", "change", "still", "box", "lint", "glyphs", "add_style", "load_fonts", "set_anew", "drawn")


@cache
def script() -> str:
    """Makes them known as `pressline` in the world that it is run in."""
    functions = ",\n".join(f"{name}: {_source(name)}" for name in _FUNCTIONS)
    return f"{_source('slots')}\nglobalThis.pressline = {{\n{functions}\n}};\n0"


def _source(name: str) -> str:
    return (WEB / f"{name}.js").read_text().rstrip()
