"""One of everything that an account can own, for checks that nobody else gets at it."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from PIL import Image

from services.common import ids
from tests.support.gateway import CARD, make_template, until_ended

NOBODY = "http://127.0.0.1:9/"
DELIVERY_SECONDS = 60
# What each parameter of a route, field of a message or filter names. A new one belongs in here.
KINDS: Mapping[str, str] = {
    "uid": "template",
    "template_id": "template",
    "batch_id": "batch",
    "generation_id": "item",
    "item_id": "item",
    "subscription_id": "subscription",
    "delivery_id": "delivery",
    "key_id": "key",
    "asset_id": "asset",
    "archive_id": "archive",
}


@dataclass(frozen=True)
class Belongings:
    """Ids by kind: of what is there, and of what its owner has deleted."""

    there: Mapping[str, str]
    gone: Mapping[str, str]

    def of(self, kind: str) -> list[str]:
        """The ids of a kind, deleted ones included."""
        return [owned[kind] for owned in (self.there, self.gone) if kind in owned]


def unknown_like(known: str) -> str:
    """An id of the same form that nothing has."""
    prefix, _, rest = known.partition("_")
    random = "".join(ids.new("x")[2:] for _ in range(len(rest) // ids.SUFFIX_LENGTH + 1))
    kept = rest[ids.SUFFIX_LENGTH :]
    return f"{prefix}_{random[: len(rest) - len(kept)]}{kept}"


def make_belongings(owner: httpx2.Client) -> Belongings:
    """Create one of everything, and delete a second one of what can be deleted."""
    there = {
        **_batch(owner),
        "subscription": created(owner, "/webhook-subscriptions", {"url": NOBODY, "events": ["batch.completed"]})["id"],
        "key": created(owner, "/v1/keys", {"name": "owned"})["id"],
        "asset": _asset(owner, "owned.png"),
    }
    gone = _batch(owner)
    gone["asset"] = _asset(owner, "gone.png")
    for path in (f"/v1/batches/{gone['batch']}", f"/templates/{gone['template']}", f"/v1/assets/{gone['asset']}"):
        assert owner.delete(path).status_code == 204, path
    assert owner.get(f"/v1/batches/{gone['batch']}").status_code == 410
    return Belongings(there, gone)


def created(owner: httpx2.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a creating route answers with."""
    answer = owner.post(path, json=body)
    assert answer.status_code in {201, 202}, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _batch(owner: httpx2.Client) -> dict[str, str]:
    """An ended batch of an own template, with an item, a delivery and an archive."""
    template = make_template(owner)
    body = {"defaults": {"template": template}, "items": [{"data": {"name": "owned"}}], "webhook_url": NOBODY}
    batch = created(owner, "/v1/batches", body)["id"]
    assert until_ended(owner, batch)["completed"] == 1
    return {
        "template": template,
        "batch": batch,
        "item": owner.get(f"/v1/batches/{batch}/items").json()["data"][0]["id"],
        "delivery": _delivery(owner, batch),
        "archive": created(owner, f"/v1/batches/{batch}:archive", {"format": "zip"})["id"],
    }


def _delivery(owner: httpx2.Client, batch: str) -> str:
    deadline = time.monotonic() + DELIVERY_SECONDS
    while not (found := owner.get(f"/v1/batches/{batch}/deliveries").json()["data"]):
        assert time.monotonic() < deadline, f"{batch} has no delivery"
        time.sleep(0.1)
    return str(found[0]["id"])


def _asset(owner: httpx2.Client, name: str) -> str:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "navy").save(picture, "PNG")
    answer = owner.post(f"/v1/assets?name={name}", content=picture.getvalue())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


TEMPLATE_BODY = {"name": "other", "html": CARD, "width": 300, "height": 200}
