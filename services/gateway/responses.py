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
    answer = Json(content, 202)
    if replayed:
        answer.headers[REPLAYED_HEADER] = "true"
    return answer
