"""The page that shows a React component."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent.parent / "web"
_RUNTIME = ("vendor/react.js", "rows.js", "faults.js", "mount.js")
_CODES = ("vendor/codes.js", "codes.js")


def page(compiled: Mapping[str, Any], data_json: bytes) -> str:
    """An HTML document that mounts a component and holds the capture until it is shown.

    Args:
        compiled: of the component, as the compiler page gives it: `script`, what runs; `mappings`, those of its source
            map; `styles`, CSS for the head; and `codes`, whether it draws QR codes and barcodes.
        data_json: its props, a JSON object; empty means none.
    """
    row = data_json.decode() or "{}"
    # Within a style sheet an escaped slash is a slash, and no end of the element.
    css = compiled["styles"].replace("</", "<\\/")
    call = f"mount({_literal(compiled['script'])}, {_literal(compiled['mappings'])}, {_literal(row)});"
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{css}</style></head><body><div id="root"></div>'
        f"<script>{_runtime(codes=compiled['codes'])}</script><script>{call}</script></body></html>"
    )


def _literal(text: str) -> str:
    # No `<` is left that could begin the end of the element, or a comment in it.
    return json.dumps(text).replace("<", "\\u003c")


@cache
def _runtime(*, codes: bool) -> str:
    return "\n".join((WEB / name).read_text() for name in (*(_CODES if codes else ()), *_RUNTIME))
