"""What can be told of a CSS selector without a browser. Pure."""

from __future__ import annotations

import re

MAX_CHARACTERS = 300
_CLOSING = {"(": ")", "[": "]"}
_WRONG = {
    "::": "names a part of an element; only an element has a box",
    **dict.fromkeys("\"'", "has a quote that is not closed"),
    **{sign: f"has a {sign!r}, which is no part of a selector" for sign in "{};<@"},
}
_LITERALS = re.compile(r"""\\.|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_SIGNS = re.compile(r"""::|["'()\[\]{};<@]""")
_DANGLING = re.compile(r"^[>+,]|[>+~,]$|,\s*,")


def fault(selector: str) -> str:
    """What is wrong with a selector; empty when nothing is. The browser knows better which names there are."""
    if len(selector) > MAX_CHARACTERS:
        return f"has at most {MAX_CHARACTERS} characters"
    # What is quoted or escaped may be anything.
    why = _misplaced(_LITERALS.sub("x", selector).strip())
    return f"must be a CSS selector: this one {why}" if why else ""


def _misplaced(selector: str) -> str:
    if not selector:
        return "is empty"
    if any(character < " " and character not in "\t\n\r\f" for character in selector):
        return "holds a control character"
    expected: list[str] = []
    for sign in _SIGNS.findall(selector):
        if sign in _CLOSING:
            expected.append(_CLOSING[sign])
        elif sign not in _WRONG:
            if not expected or expected.pop() != sign:
                return f"has a {sign!r} that nothing opens"
        else:
            return _WRONG[sign]
    if expected:
        return f"lacks a {expected[-1]!r}"
    return "has a combinator or comma with nothing beside it" if _DANGLING.search(selector) else ""
