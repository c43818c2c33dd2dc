from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pressline_client import (
    AuthenticationError,
    Batch,
    Client,
    ConnectionFailedError,
    DownloadError,
    NotFoundError,
    RateLimitedError,
    ValidationError,
)
from tests.support.stack import Stack

BATCH = {"id": "batch_1", "status": "pending", "total": 1}


@dataclass
class Script:
    """Answers to give, first to last, the last one for ever; and the requests that came."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def script() -> Iterator[Script]:
    told = Script()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            told.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_creating_call_is_repeated_under_one_key(script: Script) -> None:
    script.answers = [
        (503, {"Retry-After": "0"}, b"<html>busy</html>"),
        (429, {"Retry-After": "0"}, b"{}"),
        (409, {"Retry-After": "0"}, b"{}"),
        (202, {}, json.dumps(BATCH).encode()),
    ]

    with Client(script.url, "key") as client:
        assert client.batches.create([{}]).id == "batch_1"
        assert client.batches.create([{}]).id == "batch_1"

    keys = [headers["idempotency-key"] for _, headers in script.requests]
    assert len(keys) == 5
    assert len(set(keys[:4])) == 1
    assert keys[4] != keys[0]


def test_patience_ends(script: Script) -> None:
    script.answers = [(429, {"Retry-After": "0"}, b'{"error": {"code": "RATE_LIMITED", "message": "Later."}}')]

    with Client(script.url, "key") as client, pytest.raises(RateLimitedError, match="Later"):
        client.usage()

    assert len(script.requests) == 6


def test_refusals_are_not_repeated_and_name_the_fields(script: Script) -> None:
    refusal = {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "No.",
            "fields": [{"path": "items[0].data", "message": "odd"}],
        },
        "request_id": "req_1",
    }
    script.answers = [(400, {}, json.dumps(refusal).encode())]

    with Client(script.url, "key") as client, pytest.raises(ValidationError) as refused:
        client.batches.create([{}])

    assert len(script.requests) == 1
    assert refused.value.fields[0].path == "items[0].data"
    assert (refused.value.code, refused.value.request_id, refused.value.status) == ("VALIDATION_ERROR", "req_1", 400)


def test_a_page_that_is_not_the_service_is_told(script: Script) -> None:
    script.answers = [(200, {}, b"<html>hello</html>")]

    with Client(script.url, "key") as client, pytest.raises(ConnectionFailedError, match="not as a Pressline"):
        client.usage()


def test_a_damaged_download_is_fetched_again_and_never_shown(script: Script, tmp_path: Path) -> None:
    whole = b"x" * 100_000
    script.answers = [(200, {"Content-Length": "200000"}, whole), (200, {}, b"other"), (200, {}, whole)]

    with Client(script.url, "secret") as client:
        file = client.download(f"{script.url}/a", tmp_path / "a", sha256=hashlib.sha256(whole).hexdigest())

    assert (file.size, (tmp_path / "a").read_bytes()) == (100_000, whole)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert all("authorization" not in headers for _, headers in script.requests)


def test_a_download_that_is_gone_is_not_tried_again(script: Script, tmp_path: Path) -> None:
    script.answers = [(404, {}, b"")]

    with Client(script.url, "key") as client, pytest.raises(DownloadError):
        client.download(script.url, tmp_path / "a")

    assert len(script.requests) == 1
    assert not list(tmp_path.iterdir())


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pressline_client.transport.FIRST_PAUSE_SECONDS", 0.001)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with (
            Client(f"http://127.0.0.1:{held.getsockname()[1]}", "key") as client,
            pytest.raises(ConnectionFailedError, match="does not answer"),
        ):
            client.usage()


def test_a_batch_from_beginning_to_end(stack: Stack) -> None:
    seen: list[Batch] = []
    with Client(stack.api, stack.key()) as client:
        template = client.templates.create("<p>{{n}}</p>", name="numbers")
        batch = client.batches.create(
            [{"data": {"n": n}, "reference": f"r{n}"} for n in range(3)],
            defaults={"template": template.id, "output": {"format": "png", "width": 40, "height": 30}},
            metadata={"run": 1},
        )
        ended = client.batches.wait(batch.id, seen.append, timeout=60)
        items = list(client.batches.items(batch.id))
        pages = [client.batches.page(batch.id, limit=2)]
        pages.append(client.batches.page(batch.id, limit=2, cursor=pages[0].next_cursor))

    assert (ended.status, ended.completed, seen[-1]) == ("completed", 3, ended)
    assert [item.reference for item in items] == ["r0", "r1", "r2"]
    assert all(item.url and item.sha256 and item.width == 40 for item in items)
    assert [item.index for page in pages for item in page.data] == [0, 1, 2]
    assert pages[1].next_cursor is None


def test_the_account_of_the_key(stack: Stack) -> None:
    with Client(stack.api, stack.key(plan="pro")) as client:
        usage = client.usage()
        assert usage.limits.items_per_batch == 100
        assert usage.limits.concurrent_batches == 3
        assert (usage.limit, usage.remaining is not None) == (10_000, True)
        assert client.webhook_secret().startswith("whsec_")
        with pytest.raises(NotFoundError):
            client.batches.get("batch_0000000000000000")
    with Client(stack.api, "wrong") as client, pytest.raises(AuthenticationError):
        client.usage()
