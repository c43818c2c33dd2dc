"""PDFs beyond their pages, as callers of the REST APIs ask for them and get them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pikepdf
import pytest

from tests.support.gateway import api, envelope_paths, until_ended
from tests.support.pdfs import headings, opened, pages_of, unarchivable
from tests.support.stack import Stack

SECRET = "öffne-mich"
DOCUMENT = "<h1>{{name}}</h1><h1 style='break-before:page'>Two</h1><h1 style='break-before:page'>Three</h1>"
ENCRYPTED = {"user_password": SECRET, "owner_password": "owner", "permissions": {"print": False}}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-pdf-options") as connected:
        yield connected


def file(url: str) -> bytes:
    return bytes(httpx2.get(url, trust_env=False).content)


def submit(client: httpx2.Client, *outputs: dict[str, Any]) -> list[dict[str, Any]]:
    """A native batch of PDFs, once it has ended: its items."""
    items = [
        {"data": {"name": f"Row {index}"}, "output": each | {"format": "pdf"}} for index, each in enumerate(outputs)
    ]
    answer = client.post("/v1/batches", json={"defaults": {"html": DOCUMENT}, "items": items})
    assert answer.status_code == 202, answer.text
    until_ended(client, answer.json()["id"])
    listed = client.get(f"/v1/batches/{answer.json()['id']}/items")
    assert SECRET not in answer.text + listed.text
    return list(listed.json()["data"])


def test_every_item_of_a_native_batch_gets_what_it_asks_for(client: httpx2.Client) -> None:
    archived, locked, short, beyond = submit(
        client,
        {"pdfa": "2b", "outline": True, "metadata": {"title": "For the archive", "lang": "en"}},
        {"encryption": ENCRYPTED},
        {"page_ranges": "1, 3"},
        {"page_ranges": "2-4"},
    )
    data = file(archived["url"])
    assert unarchivable(data) == []
    with opened(data) as document:
        assert headings(document) == [("Row 0", 0, []), ("Two", 1, []), ("Three", 2, [])]
        assert str(document.docinfo.Title) == "For the archive"
    assert "Row 1" in pages_of(file(locked["url"]), SECRET)[0]
    with opened(file(locked["url"]), SECRET) as document:
        assert not document.allow.print_highres
        assert document.allow.extract
    assert [page.strip() for page in pages_of(file(short["url"]))] == ["Row 2", "Three"]
    assert (short["pages"], short["error"]) == (2, None)
    assert (beyond["status"], beyond["error"]["code"]) == ("failed", "TEMPLATE_ERROR")
    assert "page 4" in beyond["error"]["message"]


def test_a_single_generation_takes_the_same(client: httpx2.Client) -> None:
    options = {"pageRanges": "2", "encryption": ENCRYPTED, "metadata": {"author": "Ada"}}
    answer = client.post("/v1/generate", json={"html": DOCUMENT, "data": {"name": "x"}, "options": options})
    assert answer.json()["status"] == "completed", answer.text
    assert SECRET not in answer.text + client.get(f"/v1/generations/{answer.json()['id']}").text
    data = file(answer.json()["url"])
    with pytest.raises(pikepdf.PasswordError):
        opened(data)
    with opened(data, SECRET) as document:
        assert str(document.docinfo.Author) == "Ada"
    assert [page.strip() for page in pages_of(data, SECRET)] == ["Two"]


CONTRADICTIONS = {"pdfa": "2b", "encryption": {"user_password": SECRET, "owner_password": SECRET}}
AT_FAULT = ["encryption.owner_password", "encryption"]


def test_contradictions_are_refused_all_at_once(client: httpx2.Client) -> None:
    output = {"format": "pdf"} | CONTRADICTIONS
    body = {"defaults": {"html": "x", "output": output}, "items": [{}, {"output": output}]}
    named = [f"{where}.output.{name}" for where in ("defaults", "items[1]") for name in AT_FAULT]
    answer = client.post("/v1/batches", json=body)
    assert envelope_paths(answer) == named
    report = client.post("/v1/batches?dry_run=true", json=body)
    assert [error["path"] for error in report.json()["errors"]] == named
    generated = client.post("/v1/generate", json={"html": "x", "options": CONTRADICTIONS})
    assert envelope_paths(generated) == [f"options.{name}" for name in AT_FAULT]
    assert SECRET not in answer.text + report.text + generated.text


def test_what_has_no_meaning_is_refused_all_at_once(client: httpx2.Client) -> None:
    output = {
        "format": "pdf",
        "page_ranges": "3-1",
        "pdfa": "3a",
        "metadata": {"lang": "??", "colour": "red"},
        "encryption": {"user_password": "x" * 128, "permissions": {"print": "no"}},
    }
    answer = client.post("/v1/batches", json={"defaults": {"html": "x", "output": output}, "items": [{}]})
    names = ("page_ranges", "metadata.lang", "metadata.colour", "pdfa", "encryption.user_password")
    assert envelope_paths(answer) == [f"defaults.output.{name}" for name in (*names, "encryption.permissions.print")]
    assert "xxx" not in answer.text
