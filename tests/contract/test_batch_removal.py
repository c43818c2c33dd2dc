"""DELETE /v1/batches/{id}, and what is answered afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.gateway import api, make_template, until_ended
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-removal") as connected:
        yield connected


def reads(batch_id: str, generation_id: str) -> list[tuple[str, str]]:
    return [
        ("GET", f"/v1/batches/{batch_id}"),
        ("GET", f"/v1/batches/{batch_id}/items"),
        ("GET", f"/v1/batches/{batch_id}/items?format=csv"),
        ("GET", f"/v1/batches/{batch_id}/deliveries"),
        ("GET", f"/v1/batches/{batch_id}/events"),
        ("POST", f"/v1/batches/{batch_id}:cancel"),
        ("GET", f"/v1/generations/{generation_id}"),
        ("GET", f"/templates/batch/{batch_id}/results"),
        ("POST", f"/templates/batch/{batch_id}/cancel"),
    ]


def test_a_deleted_batch_is_gone_to_its_owner_everywhere(stack: Stack, client: httpx2.Client) -> None:
    made = client.post("/v1/generate/batch", json={"items": [{"html": "<p>secret</p>"}]}).json()
    batch_id, generation_id = made["batch_id"], made["generations"][0]["id"]
    until_ended(client, batch_id)
    url = client.get(f"/v1/generations/{generation_id}").json()["url"]
    assert httpx2.get(url, trust_env=False, timeout=60).status_code == 200

    deleted = client.delete(f"/v1/batches/{batch_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert httpx2.get(url, trust_env=False, timeout=60).status_code == 404
    with api(stack, account="tests-removal-other") as stranger:
        for method, path in reads(batch_id, generation_id):
            answer = client.request(method, path)
            assert answer.status_code == 410, path
            assert "GONE" in answer.text
            assert "deleted" in answer.text
            assert stranger.request(method, path).status_code == 404, path
        assert stranger.delete(f"/v1/batches/{batch_id}").status_code == 404
    assert client.delete(f"/v1/batches/{batch_id}").status_code == 204
    assert batch_id not in client.get("/v1/batches").text


def test_a_running_batch_is_refused_until_it_has_ended(client: httpx2.Client) -> None:
    template = make_template(client)
    rows = [{"name": str(i)} for i in range(300)]
    answer = client.post(f"/templates/{template}/batch-render", json={"variableSets": rows, "concurrency": 1})
    batch_id = answer.json()["batchId"]
    refused = client.delete(f"/v1/batches/{batch_id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    client.post(f"/v1/batches/{batch_id}:cancel")
    until_ended(client, batch_id)
    assert client.get(f"/v1/batches/{batch_id}").status_code == 200


def test_deleting_what_is_not_there_is_404(client: httpx2.Client) -> None:
    assert client.delete("/v1/batches/batch_unknown").status_code == 404
