"""What holds for every route: keys, ids, headers, bodies, and refusals in the caller's form."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.gateway import api, make_template
from tests.support.stack import Stack

RATE_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy")
BODY_LIMIT = 64 * 1024 * 1024
ROUTES = [
    ("POST", "/templates"),
    ("GET", "/templates"),
    ("GET", "/templates/tmpl_x"),
    ("PUT", "/templates/tmpl_x"),
    ("DELETE", "/templates/tmpl_x"),
    ("POST", "/templates/tmpl_x/render"),
    ("POST", "/templates/tmpl_x/batch-render"),
    ("GET", "/templates/batch/batch_x/results"),
    ("POST", "/templates/batch/batch_x/cancel"),
    ("POST", "/v1/generate"),
    ("POST", "/v1/generate/batch"),
    ("GET", "/v1/generations/gen_x"),
    ("POST", "/v1/templates"),
    ("GET", "/v1/templates"),
    ("GET", "/v1/templates/tmpl_x"),
    ("PUT", "/v1/templates/tmpl_x"),
    ("DELETE", "/v1/templates/tmpl_x"),
    ("GET", "/v1/usage"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches/batch_x"),
    ("GET", "/v1/batches/batch_x/items"),
    ("DELETE", "/v1/batches/batch_x"),
    ("POST", "/v1/batches/batch_x:cancel"),
    ("GET", "/v1/batches/batch_x/deliveries"),
    ("GET", "/v1/webhooks/secret"),
    ("POST", "/v1/webhooks/secret:rotate"),
    ("GET", "/v1/account"),
    ("PUT", "/v1/account/egress"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/key_x"),
    ("POST", "/v1/keys/key_x:rotate"),
]
UNKNOWN_THINGS = [
    ("GET", "/templates/tmpl_unknown"),
    ("DELETE", "/templates/tmpl_unknown"),
    ("GET", "/templates/batch/batch_unknown/results"),
    ("POST", "/templates/batch/batch_unknown/cancel"),
    ("GET", "/v1/generations/gen_unknown"),
    ("GET", "/v1/generations/gen_000000000000000000000"),
    ("GET", "/v1/templates/tmpl_unknown"),
    ("DELETE", "/v1/templates/tmpl_unknown"),
    ("GET", "/v1/batches/batch_unknown"),
    ("GET", "/v1/batches/batch_unknown/items"),
    ("GET", "/v1/batches/batch_unknown/items?format=ndjson"),
    ("DELETE", "/v1/batches/batch_unknown"),
    ("DELETE", "/v1/batches/%00"),
    ("POST", "/v1/batches/batch_unknown:cancel"),
    ("GET", "/v1/batches/batch_unknown/deliveries"),
    ("DELETE", "/v1/keys/key_unknown"),
    ("POST", "/v1/keys/key_unknown:rotate"),
    ("GET", "/v1/batches/batch_" + "x" * 10_000),
    ("GET", "/templates/" + "%C3%A9" * 2_000),
    ("GET", "/templates/%00"),
]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack) as connected:
        yield connected


def code_of(answer: httpx2.Response) -> str:
    """The typed cause, from either form, with the request's id where the form has it."""
    body = answer.json()
    if answer.url.path.startswith("/v1/"):
        assert answer.headers["content-type"] == "application/json"
        assert set(body) == {"error"}
        assert {"code", "message", "request_id"} <= set(body["error"])
        assert body["error"]["request_id"] == answer.headers["x-request-id"]
        return str(body["error"]["code"])
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert (body["status"], body["requestId"]) == (answer.status_code, answer.headers["x-request-id"])
    return str(body["code"])


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic abc", "Bearer", "Bearer a b", "Bearer \x80"])
def test_no_route_opens_without_a_key(stack: Stack, method: str, path: str, authorization: str | None) -> None:
    headers = [] if authorization is None else [(b"Authorization", authorization.encode("latin-1"))]
    answer = httpx2.request(method, stack.api + path, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 401
    assert code_of(answer) == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not set(RATE_HEADERS) & set(answer.headers)


def test_the_scheme_may_be_written_in_any_case(stack: Stack, client: httpx2.Client) -> None:
    key = client.headers["authorization"].removeprefix("Bearer ")
    answer = httpx2.get(
        f"{stack.api}/v1/usage", headers={"Authorization": f"bearer {key}"}, trust_env=False, timeout=60
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_probes_and_the_description_need_no_key(stack: Stack, path: str) -> None:
    answer = httpx2.get(stack.api + path, trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert re.fullmatch("req_[0-9a-z]{16}", answer.headers["x-request-id"])


def test_the_description_names_every_route(stack: Stack) -> None:
    description = httpx2.get(f"{stack.api}/openapi.json", trust_env=False, timeout=60).json()
    assert description["openapi"].startswith("3.1")
    described = {
        (method.upper(), re.sub(r"\{[^}]+\}", "x", path))
        for path, methods in description["paths"].items()
        for method in methods
    }
    assert {(method, re.sub("(tmpl|batch|gen|key)_x", "x", path)) for method, path in ROUTES} <= described
    assert "HTTPValidationError" not in json.dumps(description)


@pytest.mark.parametrize(("method", "path"), UNKNOWN_THINGS)
def test_unknown_things_are_not_found(client: httpx2.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/", "/v1/batches/", "/templates/"])
def test_unknown_routes_are_not_found(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/templates"), ("DELETE", "/v1/usage"), ("PUT", "/v1/batches")])
def test_wrong_methods_are_named(client: httpx2.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert "allow" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/usage", 200), ("GET", "/nothing", 404), ("PATCH", "/templates", 405), ("POST", "/v1/batches", 415)],
)
def test_every_answer_to_a_known_key_tells_its_window(
    client: httpx2.Client, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(RATE_HEADERS) <= set(answer.headers)
    left = int(answer.headers["x-ratelimit-reset"]) - time.time()
    assert -2 < left <= 61
    limit, remaining = (int(answer.headers[name]) for name in RATE_HEADERS[:2])
    assert 0 <= remaining < limit
    assert answer.headers["ratelimit-policy"] == f'"minute";q={limit};w=60'
    assert re.fullmatch(rf'"minute";r={remaining};t=\d+', answer.headers["ratelimit"])


def test_a_spent_window_is_answered_with_429(stack: Stack) -> None:
    served: dict[str, int] = {}
    with api(stack, plan="free", account="tests-spent-window") as client:
        for _ in range(130):
            answer = client.get("/v1/usage")
            reset = answer.headers["x-ratelimit-reset"]
            if answer.status_code == 429:
                break
            served[reset] = served.get(reset, 0) + 1
    assert answer.status_code == 429
    assert code_of(answer) == "RATE_LIMITED"
    assert served[reset] == 60
    assert answer.headers["x-ratelimit-limit"] == "60"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("path", ["/templates", "/templates/tmpl_x/batch-render", "/v1/generate/batch", "/v1/batches"])
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"[]", "must be an object"),
        (b'"text"', "must be an object"),
        (b"null", "must be an object"),
    ],
)
def test_a_bad_body_is_explained(client: httpx2.Client, path: str, body: bytes, sentence: str) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    assert sentence in answer.text


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_is_json_by_its_content_type(client: httpx2.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = client.post("/v1/batches", content=b"{}", headers=headers)
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
def test_ways_to_say_json(client: httpx2.Client, content_type: str) -> None:
    answer = client.post("/v1/batches", content=b"{}", headers={"Content-Type": content_type})
    assert answer.status_code == 400


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(stack: Stack, client: httpx2.Client) -> None:
    head = f"Content-Length: {BODY_LIMIT + 1}\r\n\r\n"
    assert b" 413 " in first_line(stack, client, head, b"")


def test_a_body_that_grows_beyond_the_limit_is_refused(stack: Stack, client: httpx2.Client) -> None:
    part = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    assert b" 413 " in first_line(stack, client, "Transfer-Encoding: chunked\r\n\r\n", *[part] * 65, b"0\r\n\r\n")


def first_line(stack: Stack, client: httpx2.Client, head: str, *parts: bytes) -> bytes:
    """The status line that a hand-written request is answered with."""
    address = urlsplit(stack.api)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        start = "POST /v1/batches HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{start}Authorization: {client.headers['authorization']}\r\n{head}".encode())
        for part in parts:
            connection.sendall(part)
        return connection.makefile("rb").readline()


def test_the_longest_body_is_read(client: httpx2.Client) -> None:
    row = b'{"html":"x","data":{"a":"' + b"x" * 4_000_000 + b'"}}'
    body = b'{"items":[' + b",".join([row] * 16) + b"]}"
    assert BODY_LIMIT - 4_000_000 < len(body) < BODY_LIMIT
    answer = client.post("/v1/batches", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text
    assert client.post(f"/v1/batches/{answer.json()['id']}:cancel").status_code == 200


def test_another_account_sees_nothing(stack: Stack, client: httpx2.Client) -> None:
    template = make_template(client)
    batch = client.post(f"/templates/{template}/batch-render", json={"variableSets": [{"name": "a"}]}).json()["batchId"]
    item = client.get(f"/v1/batches/{batch}/items").json()["data"][0]["id"]
    with api(stack, account="tests-stranger") as stranger:
        for path in (
            f"/templates/{template}",
            f"/v1/templates/{template}",
            f"/templates/batch/{batch}/results",
            f"/v1/batches/{batch}",
            f"/v1/batches/{batch}/items",
            f"/v1/batches/{batch}/deliveries",
            f"/v1/generations/{item}",
        ):
            assert stranger.get(path).status_code == 404, path
        assert stranger.post(f"/templates/batch/{batch}/cancel").status_code == 404
        assert stranger.post(f"/v1/batches/{batch}:cancel").status_code == 404
        assert stranger.delete(f"/templates/{template}").status_code == 404
        assert stranger.post(f"/templates/{template}/batch-render", json={"variableSets": [{}]}).status_code == 404
