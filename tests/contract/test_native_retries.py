"""POST /v1/batches/{id}:retry."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, envelope_paths, make_template, until_ended
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-retries") as connected:
        yield connected


def submit(client: httpx2.Client, template: str, *rows: dict[str, Any]) -> str:
    items = [{"data": row, "reference": f"row-{index}"} for index, row in enumerate(rows)]
    body = {"defaults": {"template": template}, "items": items, "metadata": {"run": 1}}
    answer = client.post("/v1/batches", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def template(client: httpx2.Client) -> str:
    return make_template(client)


@pytest.fixture(scope="module")
def partial(client: httpx2.Client, template: str) -> str:
    """A batch whose second row lacks what the template prints."""
    batch_id = submit(client, template, {"name": "Ada"}, {"nom": "Bea"})
    assert until_ended(client, batch_id)["status"] == "partial"
    return batch_id


def retry(client: httpx2.Client, batch_id: str, **request: Any) -> httpx2.Response:
    return client.post(f"/v1/batches/{batch_id}:retry", **request)


def test_the_failed_rows_become_a_batch_that_says_so(client: httpx2.Client, partial: str) -> None:
    answer = retry(client, partial)
    assert answer.status_code == 202, answer.text
    new = answer.json()
    assert (new["total"], new["retry_of"], new["retried_by"]) == (1, partial, [])
    assert new["metadata"] == {"run": 1}
    assert until_ended(client, new["id"])["status"] == "failed"
    (item,) = client.get(f"/v1/batches/{new['id']}/items").json()["data"]
    (_, failed) = client.get(f"/v1/batches/{partial}/items").json()["data"]
    assert (item["retry_of"], item["reference"], item["index"]) == (failed["id"], "row-1", 0)
    assert failed["retry_of"] is None
    assert new["id"] in client.get(f"/v1/batches/{partial}").json()["retried_by"]


def test_a_newer_template_takes_what_the_old_one_did_not(client: httpx2.Client) -> None:
    template = make_template(client)
    batch_id = submit(client, template, {"nom": "Bea"})
    assert until_ended(client, batch_id)["status"] == "failed"
    content = {"name": "card", "html": "<h1>{{nom}}</h1>", "width": 300, "height": 200}
    assert client.put(f"/templates/{template}", json=content).status_code == 200
    for version in (2, "latest"):
        new = retry(client, batch_id, json={"template_version": version}).json()
        assert new["template"] == {"id": template, "version": 2}
        assert until_ended(client, new["id"])["status"] == "completed"
    old = retry(client, batch_id, json={}).json()
    assert old["template"] == {"id": template, "version": 1}


def test_metadata_is_kept_replaced_or_dropped(client: httpx2.Client, partial: str) -> None:
    kept = retry(client, partial, json={"statuses": ["failed", "cancelled"]}).json()
    replaced = retry(client, partial, json={"metadata": {"run": 2}}).json()
    dropped = retry(client, partial, json={"metadata": None}).json()
    assert [each["metadata"] for each in (kept, replaced, dropped)] == [{"run": 1}, {"run": 2}, None]


def test_what_there_is_nothing_to_do_about_is_a_conflict(client: httpx2.Client, template: str) -> None:
    batch_id = submit(client, template, {"name": "Ada"})
    until_ended(client, batch_id)
    answer = retry(client, batch_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert client.delete(f"/v1/batches/{batch_id}").status_code == 204
    assert retry(client, batch_id).status_code == 410
    assert retry(client, "batch_unknown").status_code == 404


def test_another_accounts_batch_is_not_there(stack: Stack, partial: str) -> None:
    with api(stack, account="tests-retries-stranger") as stranger:
        assert retry(stranger, partial).status_code == 404


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"statuses": []}, ["statuses"]),
        ({"statuses": ["succeeded"]}, ["statuses[0]"]),
        ({"template_version": 0}, ["template_version"]),
        ({"template_version": "newest"}, ["template_version"]),
        ({"template_version": 7}, ["template_version"]),
        ({"webhook_url": "ftp://x", "metadata": []}, ["webhook_url", "metadata"]),
        ({"items": []}, ["items"]),
    ],
)
def test_what_is_wrong_is_named(client: httpx2.Client, partial: str, body: dict[str, Any], paths: list[str]) -> None:
    assert envelope_paths(retry(client, partial, json=body)) == paths


def test_a_repeat_is_answered_byte_for_byte(client: httpx2.Client, partial: str) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (retry(client, partial, headers=headers) for _ in range(2))
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = retry(client, partial, headers=headers, json={"template_version": "latest"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_key_that_only_reads_may_not(stack: Stack, client: httpx2.Client, partial: str) -> None:
    key = client.post("/v1/keys", json={"name": "reader", "scopes": ["read"]}).json()["key"]
    answer = httpx2.post(
        f"{stack.api}/v1/batches/{partial}:retry",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
