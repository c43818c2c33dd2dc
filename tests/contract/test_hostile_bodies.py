"""Bodies that nobody sends by accident, on every route that takes one: each is refused with what is wrong with it."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.description import gateway
from tests.support.gateway import api
from tests.support.stack import Stack

BODY_LIMIT = 64 * 1024 * 1024
MEBIBYTE = 1024 * 1024
JSON = "application/json"
# Every route that takes JSON; what its path names does not exist, and need not for a body that cannot be read.
ROUTES = [
    f"{method.upper()} {path.replace('{', '').replace('}', '')}"
    for path, methods in gateway().openapi()["paths"].items()
    for method, operation in methods.items()
    if JSON in operation.get("requestBody", {}).get("content", {})
]
UNREADABLE: Mapping[str, tuple[bytes, str]] = {
    "broken off": (b'{"items": [', "not JSON"),
    "two values": (b"{} {}", "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "a comment": (b'{"a": 1} // one', "not JSON"),
    "a trailing comma": (b'{"a": 1,}', "not JSON"),
    "a form": (b"a=1&b=2", "not JSON"),
    "NaN": (b'{"a": NaN}', "not JSON"),
    "Infinity": (b'{"a": -Infinity}', "not JSON"),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "not UTF-8"),
    "UTF-16": ('{"a": "é"}'.encode("utf-16"), "not UTF-8"),
    "an overlong NUL": (b'{"a": "\xc0\x80"}', "not UTF-8"),
    "an encoded surrogate": (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    "a lone high surrogate": (b'{"a": "\\ud83d"}', "not JSON"),
    "a lone low surrogate": (b'{"a": "\\ude00"}', "not JSON"),
    "a lone surrogate as a name": (b'{"\\ud83d": 1}', "not JSON"),
    "NUL": (b'{"a": "\\u0000"}', "NUL"),
    "a raw NUL": (b'{"a": "\x00"}', "not JSON"),
    "NUL as a name": (b'{"\\u0000": 1}', "NUL"),
    "deep lists": (b"[" * 50_000 + b"]" * 50_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply"),
    "one name twice": (b'{"a": 1, "a": 2}', "two values under 'a'"),
    "a list": (b"[]", "must be an object"),
    "a text": (b'"text"', "must be an object"),
    "a number": (b"1", "must be an object"),
}
# A bomb: what is sent is small, what it says it unfolds to is not.
COMPRESSED: Mapping[str, bytes] = {
    "gzip": gzip.compress(b" " * 100 * MEBIBYTE),
    "deflate": zlib.compress(b" " * MEBIBYTE),
    "br": b"\x00",
    "gzip, gzip": gzip.compress(gzip.compress(b"{}")),
    "nonsense": b"{}",
}
HEADS: Mapping[str, tuple[str, bytes]] = {
    "a length beyond the limit": (f"Content-Length: {BODY_LIMIT + 1}", b" 413 "),
    "a length beyond any": ("Content-Length: 99999999999999999999999", b" 4"),
    "a negative length": ("Content-Length: -1", b" 400 "),
    "a length in words": ("Content-Length: many", b" 400 "),
    "two lengths": ("Content-Length: 2\r\nContent-Length: 3", b" 400 "),
    "a length and chunks": ("Content-Length: 2\r\nTransfer-Encoding: chunked", b" 400 "),
}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-hostile") as connected:
        yield connected


def send(client: httpx2.Client, route: str, body: bytes, **headers: str) -> httpx2.Response:
    method, path = route.split(" ", 1)
    return client.request(method, path, content=body, headers={"Content-Type": JSON, **headers})


def told(answer: httpx2.Response) -> tuple[str, str]:
    """The code and all that is said, from either form."""
    body = answer.json()
    error = body.get("error", body)
    return error["code"], json.dumps(body, ensure_ascii=False)


def test_the_routes_that_take_json_are_found() -> None:
    assert {"POST /templates", "POST /v1/generate/batch", "POST /v1/batches", "PUT /templates/uid"} < set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_an_unreadable_body_is_refused_with_what_is_wrong(client: httpx2.Client, route: str) -> None:
    wrong = {}
    for name, (body, sentence) in UNREADABLE.items():
        answer = send(client, route, body)
        code, said = told(answer)
        if (answer.status_code, code) != (400, "VALIDATION_ERROR") or sentence not in said:
            wrong[name] = answer.status_code, said
    assert not wrong


@pytest.mark.parametrize("route", [*ROUTES, "POST /v1/assets?name=a.png"])
def test_a_compressed_body_is_refused_unread(client: httpx2.Client, route: str) -> None:
    for encoding, body in COMPRESSED.items():
        answer = send(client, route, body, **{"Content-Encoding": encoding})
        code, said = told(answer)
        assert (answer.status_code, code) == (415, "UNSUPPORTED_MEDIA_TYPE"), (encoding, said)
        assert "Content-Encoding" in said


def test_identity_is_no_encoding(client: httpx2.Client) -> None:
    answer = send(client, "POST /v1/batches", b'{"items": [{"html": "<p>a</p>"}]}', **{"Content-Encoding": "identity"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("route", ["POST /v1/batches", "POST /templates", "POST /v1/generate"])
def test_a_length_that_cannot_be_is_refused_before_the_body(
    stack: Stack, client: httpx2.Client, route: str, head: str
) -> None:
    line, status = HEADS[head]
    assert status in status_line(stack, client, route, line)


@pytest.mark.parametrize("route", [*ROUTES, "POST /v1/assets?name=a.png"])
def test_every_route_has_the_same_limit(stack: Stack, client: httpx2.Client, route: str) -> None:
    assert b" 413 " in status_line(stack, client, route, f"Content-Length: {BODY_LIMIT + 1}")


@pytest.mark.parametrize("route", ["POST /v1/generate/batch", "POST /templates/uid/batch-render"])
def test_a_body_of_no_known_length_is_refused_when_it_passes_the_limit(
    stack: Stack, client: httpx2.Client, route: str
) -> None:
    part = b"%x\r\n%s\r\n" % (MEBIBYTE, b" " * MEBIBYTE)
    assert b" 413 " in status_line(stack, client, route, "Transfer-Encoding: chunked", *[part] * 65, b"0\r\n\r\n")


def status_line(stack: Stack, client: httpx2.Client, route: str, head: str, *parts: bytes) -> bytes:
    """The first line that a hand-written request is answered with."""
    address = urlsplit(stack.api)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        start = f"{route} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON}\r\n"
        connection.sendall(f"{start}Authorization: {client.headers['authorization']}\r\n{head}\r\n\r\n".encode())
        for part in parts:
            connection.sendall(part)
        return connection.makefile("rb").readline()


@pytest.mark.parametrize(
    ("route", "body", "path"),
    [
        ("POST /v1/batches", b'{"items": [{"html": "x", "data": {"n": 1e400}}]}', "items[0].data"),
        ("POST /v1/batches", b'{"items": [{"html": "x"}], "concurrency": 1e400}', "concurrency"),
        ("POST /v1/batches", b'{"items": [{"html": "x"}], "concurrency": 99999999999999999999}', "concurrency"),
        ("POST /v1/batches", b'{"items": [{"html": "x", "output": {"format": "png", "width": 1e9}}]}', "output.width"),
        ("POST /v1/batches", b'{"items": {"0": {"html": "x"}}}', "items"),
        ("POST /v1/batches", b'{"items": [null]}', "items[0]"),
        ("POST /v1/generate/batch", b'{"items": [{"html": 5}, "x", {"data": []}]}', "items[1]"),
        ("POST /v1/generate/batch", b'{"items": [{"html": "x", "data": {"n": -1e999}}]}', "items[0].data"),
        ("POST /v1/generate", b'{"html": "x", "options": {"margin": 1e400}}', "options.margin"),
        ("POST /v1/generate", b'{"html": "x", "output": {"url": true}}', "output"),
        ("POST /templates/uid/batch-render", b'{"variableSets": [{"n": 1e400}]}', "variableSets[0]"),
        ("POST /templates/uid/batch-render", b'{"variableSets": "all"}', "variableSets"),
        ("POST /templates/uid/batch-render", b'{"variableSets": [{}], "quality": 1e400}', "quality"),
        ("POST /templates/uid/render", b'{"variables": [1]}', "variables"),
        ("POST /templates", b'{"html": ["x"], "width": "wide"}', "width"),
        ("POST /v1/templates", b'{"html": "x", "variables": {"name": true}}', "variables"),
        ("POST /webhook-subscriptions", b'{"url": 5, "events": "all"}', "events"),
        ("POST /v1/keys", b'{"scopes": {"admin": true}}', "scopes"),
    ],
)
def test_a_wrong_type_or_number_is_refused_where_it_is(
    client: httpx2.Client, route: str, body: bytes, path: str
) -> None:
    answer = send(client, route, body)
    found = answer.json()
    fields = found["error"]["fields"] if "error" in found else found["errors"]
    assert answer.status_code == 400
    assert any(path in field["path"] for field in fields), fields
