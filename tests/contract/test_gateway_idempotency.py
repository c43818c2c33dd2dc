"""Idempotency-Key on the creating batch routes of all three APIs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.gateway import api, make_template, until_ended
from tests.support.stack import Stack

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-idempotency") as connected:
        yield connected


@pytest.fixture(scope="module", params=["pictify", "deckle", "native"])
def call(request: pytest.FixtureRequest, client: httpx2.Client) -> tuple[str, bytes]:
    """A path and a body that creates a batch there."""
    if request.param == "pictify":
        return f"/templates/{make_template(client)}/batch-render", b'{"variableSets": [{"name": "a"}]}'
    if request.param == "deckle":
        return "/v1/generate/batch", b'{"items": [{"html": "<p>a</p>"}]}'
    return "/v1/batches", b'{"items": [{"html": "<p>a</p>"}]}'


def post(client: httpx2.Client, call: tuple[str, bytes], key: str) -> httpx2.Response:
    return client.post(call[0], content=call[1], headers={**JSON, "Idempotency-Key": key})


def batch_of(answer: httpx2.Response) -> str:
    body = answer.json()
    return str(body.get("batchId") or body.get("batch_id") or body["id"])


def test_a_repeat_is_answered_byte_for_byte(client: httpx2.Client, call: tuple[str, bytes]) -> None:
    key = secrets.token_hex(8)
    first = post(client, call, key)
    assert first.status_code == 202
    assert "idempotent-replayed" not in first.headers
    until_ended(client, batch_of(first))
    again = post(client, call, key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true"


def test_another_body_is_refused(client: httpx2.Client, call: tuple[str, bytes]) -> None:
    key = secrets.token_hex(8)
    post(client, call, key)
    other = post(client, (call[0], call[1] + b" "), key)
    assert other.status_code == 422
    assert "IDEMPOTENCY_KEY_REUSED" in other.text


def test_another_key_makes_another_batch(client: httpx2.Client, call: tuple[str, bytes]) -> None:
    made = {batch_of(post(client, call, secrets.token_hex(8))) for _ in range(2)}
    assert len(made) == 2


def test_a_refused_call_does_not_use_the_key_up(client: httpx2.Client, call: tuple[str, bytes]) -> None:
    key = secrets.token_hex(8)
    assert post(client, (call[0], b"{}"), key).status_code == 400
    answer = post(client, call, key)
    assert answer.status_code == 202
    assert "idempotent-replayed" not in answer.headers


def test_keys_belong_to_a_path(client: httpx2.Client) -> None:
    key = secrets.token_hex(8)
    calls = [(f"/templates/{make_template(client)}/batch-render", b'{"variableSets": [{"name": "a"}]}') for _ in "ab"]
    answers = [post(client, each, key) for each in calls]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert batch_of(answers[0]) != batch_of(answers[1])


def test_keys_belong_to_an_account(stack: Stack, client: httpx2.Client) -> None:
    key, call = secrets.token_hex(8), ("/v1/batches", b'{"items": [{"html": "<p>a</p>"}]}')
    mine = post(client, call, key)
    with api(stack, account="tests-idempotency-other") as stranger:
        theirs = post(stranger, call, key)
    assert batch_of(mine) != batch_of(theirs)
    assert "idempotent-replayed" not in theirs.headers


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_1_to_255_characters(client: httpx2.Client, call: tuple[str, bytes], key: str) -> None:
    answer = post(client, call, key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.text
