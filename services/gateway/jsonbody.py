"""Request bodies: bytes to JSON values, with a sentence for everything that is wrong."""

from __future__ import annotations

import codecs
import json
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from services.common.errors import PresslineError, Reason, Violation, invalid


def parse(body: bytes) -> Any:
    """Read a JSON body. Integers keep every digit; nesting is bounded at 200 levels by the parser.

    Raises:
        PresslineError: VALIDATION_ERROR when the body is not UTF-8, not JSON, too deep, or holds NUL characters or
            an object with two values under one name.
    """
    if not body:
        raise PresslineError(Reason.VALIDATION_ERROR, "The body is empty; it must be a JSON object.")
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise PresslineError(Reason.VALIDATION_ERROR, _explain(body, error)) from None
    _refuse_repeated_names(body)
    # Escaped is the only way in: the parser refuses control characters as such.
    if b"\\u0000" in body and (where := _find(value, _has_nul)) is not None:
        raise invalid(Violation(where or "body", "holds a NUL character"))
    return value


def find_not_finite(value: Any) -> str | None:
    """Path of the first number that overflowed when it was read, such as 1e400."""
    return _find(value, lambda leaf: isinstance(leaf, float) and not math.isfinite(leaf))


def _refuse_repeated_names(body: bytes) -> None:
    """Which of two values under one name counts is every parser's own choice, so none is guessed."""
    # Nothing is built of what is read: numbers are not even converted.
    json.loads(body, object_pairs_hook=_refuse_repeated, parse_int=len, parse_float=len)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        ((repeated, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise PresslineError(Reason.VALIDATION_ERROR, f"An object in the body has two values under {repeated[:100]!r}.")


def _explain(body: bytes, error: ValueError) -> str:
    if body.startswith(codecs.BOM_UTF8):
        return "The body begins with a byte order mark; JSON is sent without one."
    try:
        body.decode()
    except UnicodeDecodeError as broken:
        return f"The body is not UTF-8: byte {broken.start} cannot be read."
    if "recursion limit" in str(error):
        return "The body is nested too deeply; 200 levels are the most."
    return f"The body is not JSON: {error}."


def _has_nul(leaf: Any) -> bool:
    return isinstance(leaf, str) and "\0" in leaf


def _find(value: Any, wanted: Callable[[Any], bool], path: str = "") -> str | None:
    """Depth-first search for a key or value; the parser has bounded the depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else key
            if wanted(key):
                return path
            if (found := _find(inner, wanted, where)) is not None:
                return found
        return None
    if isinstance(value, list):
        paths = (_find(inner, wanted, f"{path}[{index}]") for index, inner in enumerate(value))
        return next((found for found in paths if found is not None), None)
    return path if wanted(value) else None
