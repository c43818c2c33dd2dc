"""Generated calls, made to mean something and to cost little, and what is not asked of their answers."""

from __future__ import annotations

import functools
import re
import zlib
from itertools import count
from typing import Any

import httpx2
import schemathesis
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from services.gateway.models.answers.native import DryRun
from tests.support.gateway import make_template

# What depends on what is stored, on another field, or on what a text means: no JSON schema can say it.
BEYOND_SCHEMAS = re.compile(
    # What is stored.
    "is not from an earlier page|is not a cursor of this list|no template has the id|the template has no layout"
    "|pdf needs PDFs alone|is for one template|^is missing$"
    # Another field.
    "|is for pages of JSON|is declared twice|cannot be combined with layout|must not name a layout twice"
    "|needs template, html or react|needs html, react or template|must give one source|has (styles|tailwind) but no"
    "|cannot be combined with selector|is not for a JPEG"
    "|is only for the mode allowlist|for none the mode is none"
    "|is not for a file with pdfa|needs a user_password|is another than the user_password"
    # What the text or the bytes mean.
    "|must be greater than 0|must be at most 200in|is in the future|must be a time such as|must be a date and time"
    "|must be from 1970|must be an IANA time zone|must be a BCP 47 locale|is a (name|host) such as|is not a PNG, JPEG"
    "|must be at most 4 kB|holds a NUL character|must be a list of pages|must be 1 to 127 bytes"
    "|holds a control character|must be a CSS selector"
)
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9/hook"
RECEIVERS = ("webhook", "webhookUrl", "webhook_url", "url")
LONGEST_KEY = 200
SMALL = {"html": "<p>x</p>", "output": {"format": "png", "width": 20, "height": 20}}
# Where things are deleted, by how their ids begin.
MADE = {"sub": "/webhook-subscriptions", "key": "/v1/keys", "tmpl": "/templates"}
_unique = count()


class Known:
    """Things that exist. Every operation gets its own, since one of them deletes them."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.ids = functools.cache(self._made)

    def undo(self, answer: schemathesis.Response) -> None:
        """End what a call has begun or made, so that it burdens no other test."""
        if answer.status_code == httpx2.codes.ACCEPTED:
            body = answer.json()
            batch = body.get("batchId") or body.get("batch_id") or body["id"]
            self._client.post(f"/v1/batches/{batch}:cancel")
        if answer.status_code == httpx2.codes.CREATED:
            made = str(answer.json()["id"])
            if path := MADE.get(made.partition("_")[0]):
                self._client.delete(f"{path}/{made}")

    def _made(self, _operation: str) -> dict[str, str]:
        template = make_template(self._client, html="<p>{{name}}</p>")
        batch = self._id("/v1/batches", {"defaults": SMALL, "items": [{}]})
        return {
            "uid": template,
            "template_id": template,
            "batch_id": batch,
            "generation_id": f"gen_{batch.removeprefix('batch_')}00000",
            "key_id": self._id("/v1/keys", {"name": "fuzz", "scopes": ["read"]}),
        }

    def _id(self, path: str, body: Any) -> str:
        return str(self._client.post(path, json=body).json()["id"])


def tame(case: schemathesis.Case[Any], known: Known) -> None:
    """Aim every other call at what exists, keep its key to itself, and its webhooks on this machine."""
    ids = known.ids(case.operation.label)
    for name, value in case.path_parameters.items():
        # By the value, so that the same call does the same when it is repeated.
        if name in ids and zlib.crc32(str(value).encode()) % 2:
            case.path_parameters[name] = ids[name]
    key = case.headers.get("Idempotency-Key", "")
    if 0 < len(key) < LONGEST_KEY:
        case.headers["Idempotency-Key"] = f"{key}{next(_unique)}"
    body: Any = case.body
    if isinstance(body, dict) and case.meta is not None and case.meta.generation.mode.is_positive:
        body |= {name: NOWHERE for name in RECEIVERS if isinstance(body.get(name), str)}


def excluded(answer: schemathesis.Response) -> list[CheckFunction]:
    """Checks that do not fit this answer."""
    if answer.status_code == httpx2.codes.BAD_REQUEST and _is_beyond_schemas(answer.json()):
        return [positive_data_acceptance]
    if answer.status_code == httpx2.codes.OK and _is_report(answer):
        # What is wrong with a body is what a dry run reports.
        return [negative_data_rejection]
    return []


def _is_beyond_schemas(refusal: dict[str, Any]) -> bool:
    found = refusal["error"].get("fields", ()) if "error" in refusal else refusal.get("errors", ())
    return bool(found) and all(BEYOND_SCHEMAS.search(each["message"]) for each in found)


def _is_report(answer: schemathesis.Response) -> bool:
    # A line of JSON that was exported is text.
    is_json = answer.headers.get("content-type") == ["application/json"]
    return is_json and set(answer.json()) == {*DryRun.model_fields}
