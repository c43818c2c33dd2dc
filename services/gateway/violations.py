"""Pydantic's findings as violations with paths written as in the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.common.errors import Violation

# Markers that tell the members of a union apart; pydantic reports them in the path.
NAME, OBJECT, IMAGE, PDF = "<name>", "<object>", "<image>", "<pdf>"
_NOT_PART_OF_A_PATH = {NAME, OBJECT, IMAGE, PDF, "[key]"}

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be an array",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "too_short": "must hold at least {min_length} element(s), not {actual_length}",
    "too_long": "must hold at most {max_length} elements, not {actual_length}",
    "string_too_short": "must be at least {min_length} character(s) long",
    "string_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def from_pydantic(errors: Sequence[Any]) -> list[Violation]:
    """One violation per finding, in the order of the request."""
    return [Violation(path(error["loc"]), _message(error)) for error in errors]


def path(location: Sequence[str | int]) -> str:
    """`("body", "items", 3, "options")` → `items[3].options`; the body itself is `body`."""
    parts = [part for part in location[1:] if part not in _NOT_PART_OF_A_PATH]
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return written.removeprefix(".") or str(location[0])


def _message(error: dict[str, Any]) -> str:
    template = _MESSAGES.get(error["type"])
    if template is None:
        return str(error["msg"]).replace("Input should be", "must be").removeprefix("Value error, ")
    return template.format(**error.get("ctx", {}))
