"""Headers of answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The request, as the service's logs and refusals name it.",
        "schema": {**_TEXT, "examples": ["req_7k2m9q4x1c8v5b3n"]},
        "required": True,
    },
    "X-RateLimit-Limit": {"description": "Requests a minute that the account may make.", "schema": _NUMBER},
    "X-RateLimit-Remaining": {"description": "Requests left in this minute.", "schema": _NUMBER},
    "X-RateLimit-Reset": {"description": "When the next minute begins, in seconds since 1970.", "schema": _NUMBER},
    "RateLimit-Policy": {
        "description": "The same in the form of the IETF's draft: quota `q` in a window of `w` seconds.",
        "schema": {**_TEXT, "pattern": r'^"minute";q=\d+;w=60$', "examples": ['"minute";q=300;w=60']},
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, for `t` seconds.",
        "schema": {**_TEXT, "pattern": r'^"minute";r=\d+;t=\d+$', "examples": ['"minute";r=299;t=42']},
    },
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {**_NUMBER, "minimum": 1}},
    "Idempotent-Replayed": {
        "description": "There when the answer is that of an earlier call with the same Idempotency-Key.",
        "schema": {**_TEXT, "enum": ["true"]},
    },
    "Location": {"description": "Where to ask for what is to come.", "schema": {**_TEXT, "format": "uri-reference"}},
    "WWW-Authenticate": {"description": "How to say who calls.", "schema": {**_TEXT, "enum": ["Bearer"]}},
    "Content-Disposition": {"description": "A name for the file.", "schema": _TEXT},
}
RATE = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")


def refer(names: Iterable[str]) -> dict[str, Any]:
    """An answer's `headers`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
