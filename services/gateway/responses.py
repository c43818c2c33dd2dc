"""JSON answers."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

REPLAYED_HEADER = "Idempotent-Replayed"


class Json(Response):
    """A JSON answer; integers of any size stay exact."""

    def __init__(self, content: Any, status_code: int = 200, media_type: str = "application/json") -> None:
        super().__init__(to_json(content), status_code, media_type=media_type)


def accepted(content: Any, *, replayed: bool) -> Json:
    """202 for a created batch; a repeated call is marked in a header, so that the body stays the same."""
    return _marked(Json(content, 202), replayed=replayed)


def created(content: Any, *, replayed: bool) -> Json:
    """201 for what is there at once; a repeated call is marked likewise."""
    return _marked(Json(content, 201), replayed=replayed)


def _marked(answer: Json, *, replayed: bool) -> Json:
    if replayed:
        answer.headers[REPLAYED_HEADER] = "true"
    return answer
