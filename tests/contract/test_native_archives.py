"""Archives of batches: `POST /v1/batches/{id}:archive` and `GET /v1/archives/{id}`."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx2
import pytest
from pikepdf import Pdf

from tests.support.gateway import api, envelope_paths, until_ended
from tests.support.stack import Stack, pressline

FIELDS = {
    "id",
    "batch_id",
    "format",
    "status",
    "url",
    "bytes",
    "sha256",
    "items",
    "error",
    "created_at",
    "expires_at",
}
MADE_SECONDS = 120


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-archives") as connected:
        yield connected


@pytest.fixture(scope="module")
def pdfs(client: httpx2.Client) -> str:
    """A batch of three PDFs that has ended."""
    return batch(client, {"format": "pdf"})


def batch(client: httpx2.Client, output: dict[str, Any]) -> str:
    items = [{"data": {"n": n}, "reference": f"INV-{n}"} for n in range(3)]
    body = {"defaults": {"html": "<h1>Invoice {{n}}</h1>", "output": output}, "items": items}
    batch_id = str(client.post("/v1/batches", json=body).json()["id"])
    assert until_ended(client, batch_id)["status"] == "completed"
    return batch_id


def until_made(client: httpx2.Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + MADE_SECONDS
    while time.monotonic() < deadline:
        archive: dict[str, Any] = client.get(path).json()
        if archive["status"] in {"completed", "failed"}:
            return archive
        time.sleep(0.1)
    raise AssertionError(f"{path} has not ended after {MADE_SECONDS} s")


def downloaded(archive: dict[str, Any]) -> bytes:
    answer = httpx2.get(archive["url"], trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (archive["bytes"], archive["sha256"])
    return bytes(answer.content)


def test_a_zip_is_asked_for_polled_and_downloaded(client: httpx2.Client, pdfs: str) -> None:
    asked = client.post(f"/v1/batches/{pdfs}:archive")
    assert asked.status_code in {200, 202}
    assert asked.json().keys() == FIELDS
    location = asked.headers["location"]
    assert location == f"/v1/archives/{asked.json()['id']}"
    archive = until_made(client, location)
    assert (archive["status"], archive["format"], archive["items"], archive["error"]) == ("completed", "zip", 3, None)
    assert archive["expires_at"] == client.get(f"/v1/batches/{pdfs}").json()["expires_at"]
    with ZipFile(io.BytesIO(downloaded(archive))) as opened:
        listed = json.loads(opened.read("manifest.json"))["items"]
        hashes = [hashlib.sha256(opened.read(item["file"])).hexdigest() for item in listed]
    items = client.get(f"/v1/batches/{pdfs}/items").json()["data"]
    assert hashes == [item["sha256"] for item in items]
    assert [item["reference"] for item in listed] == ["INV-0", "INV-1", "INV-2"]
    again = client.post(f"/v1/batches/{pdfs}:archive", json={"format": "zip"})
    assert (again.status_code, again.json()) == (200, archive)


def test_a_pdf_holds_every_item(client: httpx2.Client, pdfs: str) -> None:
    asked = client.post(f"/v1/batches/{pdfs}:archive", json={"format": "pdf"})
    archive = until_made(client, asked.headers["location"])
    with Pdf.open(io.BytesIO(downloaded(archive))) as opened, opened.open_outline() as outline:
        assert len(opened.pages) == 3
        assert [entry.title for entry in outline.root] == ["INV-0", "INV-1", "INV-2"]


def test_the_command_line_writes_the_file(stack: Stack, client: httpx2.Client, pdfs: str, tmp_path: Path) -> None:
    key = str(client.headers["Authorization"]).removeprefix("Bearer ")
    connection = ("--api", stack.api, "--key", key)
    for form, magic in (("zip", b"PK"), ("pdf", b"%PDF")):
        out = tmp_path / "new" / f"all.{form}"
        done = pressline("archive", pdfs, "--format", form, "-o", str(out), *connection, timeout=MADE_SECONDS)
        assert done.stdout == f"3 items in {out}\n"
        assert out.read_bytes().startswith(magic)
    refused = pressline("archive", "batch_unknown", "-o", str(tmp_path / "x"), *connection, check=False)
    assert (refused.returncode, "NOT_FOUND" in refused.stderr) == (1, True)


def test_what_cannot_be_archived_is_refused(client: httpx2.Client) -> None:
    pictures = batch(client, {"format": "png", "width": 50, "height": 50})
    refused = client.post(f"/v1/batches/{pictures}:archive", json={"format": "pdf"})
    assert envelope_paths(refused) == ["format"]
    assert "item 0" in refused.text
    assert "png" in refused.text
    for body in ({"format": "tar"}, {"format": "zip", "level": 9}):
        assert len(envelope_paths(client.post(f"/v1/batches/{pictures}:archive", json=body))) == 1
    assert client.get("/v1/archives/arc_unknown_zip").status_code == 404
    rows = {"defaults": {"html": "<p>{{n}}</p>"}, "items": [{"data": {"n": n}} for n in range(200)], "concurrency": 1}
    running = client.post("/v1/batches", json=rows).json()["id"]
    refused = client.post(f"/v1/batches/{running}:archive")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    client.post(f"/v1/batches/{running}:cancel")
