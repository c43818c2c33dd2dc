"""The page that shows a React component."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

WEB = Path(__file__).parent.parent / "web"
_RUNTIME = ("vendor/react.js", "rows.js", "mount.js")


def page(script: str, data_json: bytes, styles: str) -> str:
    """An HTML document that mounts a component and holds the capture until it is shown.

    Args:
        script: the compiled component.
        data_json: its props, a JSON object; empty means none.
        styles: CSS for the head.
    """
    row = data_json.decode() or "{}"
    # Within a style sheet an escaped slash is a slash, and no end of the element.
    css = styles.replace("</", "<\\/")
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{css}</style></head><body><div id="root"></div>'
        f"<script>{_runtime()}</script><script>mount({_literal(script)}, {_literal(row)});</script></body></html>"
    )


def _literal(text: str) -> str:
    # No `<` is left that could begin the end of the element, or a comment in it.
    return json.dumps(text).replace("<", "\\u003c")


@cache
def _runtime() -> str:
    return "\n".join((WEB / name).read_text() for name in _RUNTIME)
