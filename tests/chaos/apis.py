"""The same work in the words of each of the three APIs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos.callers import Caller

CARD = "<body style='margin:0;background:{{colour}}'><b>{{name}}</b></body>"
WIDTH, HEIGHT = 120, 60
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Api:
    """One of the APIs.

    Attributes:
        batch: path and body that submit so many rows, of a template where one is needed.
        batch_id: where the answer has the batch's id.
        webhook: where the body has the address of the webhook.
        render: path and body that render one row and wait for it; None where there is no such call.
    """

    batch: Callable[[int, str], Call]
    batch_id: str
    webhook: str
    render: Callable[[int, str], Call] | None = None


async def template(caller: Caller) -> str:
    """Store a template; its id."""
    fields = {"name": "card", "html": CARD, "width": WIDTH, "height": HEIGHT}
    return str((await caller.post("/templates", fields))["uid"])


def _row(number: int) -> dict[str, str]:
    return {"name": f"Card {number}", "colour": f"#{number * 2654435761 % 0xFFFFFF:06x}"}


def _native(count: int, _template: str) -> Call:
    items = [{"data": _row(number), "reference": f"row-{number}"} for number in range(count)]
    output = {"format": "png", "width": WIDTH, "height": HEIGHT}
    return "/v1/batches", {"items": items, "defaults": {"html": CARD, "output": output}}


def _pictify(count: int, template_id: str) -> Call:
    rows = [_row(number) for number in range(count)]
    return f"/templates/{template_id}/batch-render", {"variableSets": rows, "format": "jpeg"}


def _pictify_render(number: int, template_id: str) -> Call:
    return f"/templates/{template_id}/render", {"variables": _row(number)}


def _deckle(count: int, _template: str) -> Call:
    return "/v1/generate/batch", {"items": [{"html": CARD, "data": _row(number)} for number in range(count)]}


def _deckle_render(number: int, _template: str) -> Call:
    return "/v1/generate", {"html": CARD, "data": _row(number)}


NATIVE = Api(_native, "id", "webhook_url")
PICTIFY = Api(_pictify, "batchId", "webhookUrl", _pictify_render)
DECKLE = Api(_deckle, "batch_id", "webhook", _deckle_render)
ALL = (NATIVE, PICTIFY, DECKLE)
