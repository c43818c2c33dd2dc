"""Time zone, locale and clock of a batch, from the caller's request to the file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pypdf import PdfReader

from pressline_client import Client, ValidationError
from tests.support.stack import Stack

PRESSLINE = str(Path(sys.executable).parent / "pressline")
# Handlebars and a script print the same moment.
INVOICE = """<!doctype html><p>{{date now "long"}}<p>{{currency total "EUR"}}<p id=script></p>
<script>document.getElementById("script").textContent =
  new Date().toLocaleString() + " " + new Date().getTimezoneOffset()</script>"""
CLOCK = "2026-03-31T21:30:00Z"


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.api, stack.key()) as client:
        yield client


def printed(path: Path) -> list[str]:
    return [line.strip() for line in PdfReader(path).pages[0].extract_text().splitlines() if line.strip()]


def test_the_command_line_names_the_place_and_the_moment(stack: Stack, tmp_path: Path) -> None:
    template, rows = tmp_path / "invoice.html", tmp_path / "rows.csv"
    template.write_text(INVOICE)
    rows.write_text("total\n1500.5\n")
    places = {
        ("Asia/Tokyo", "de-DE"): ["1. April 2026", "1.500,50 €", "1.4.2026, 06:30:00 -540"],
        ("America/New_York", "en-US"): ["March 31, 2026", "€1,500.50", "3/31/2026, 5:30:00 PM 240"],
    }
    for (timezone, locale), expected in places.items():
        out = tmp_path / locale
        where = ("--timezone", timezone, "--locale", locale, "--clock", CLOCK)
        done = subprocess.run(
            [PRESSLINE, "batch", template, rows, "--format", "pdf", "--out", out, *where],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | {"PRESSLINE_API_URL": stack.api, "PRESSLINE_API_KEY": stack.key()},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (file,) = out.glob("*.pdf")
        assert [line.replace("\xa0", " ").replace("\u202f", " ") for line in printed(file)] == expected
        metadata = PdfReader(file).metadata
        assert metadata is not None
        assert metadata.creation_date == datetime(2026, 3, 31, 21, 30, tzinfo=UTC)


def test_the_same_batch_twice_gives_the_same_files(client: Client) -> None:
    def digests() -> list[str | None]:
        outputs: list[dict[str, Any]] = [{"format": name} for name in ("png", "jpeg", "webp", "pdf")]
        batch = client.batches.create(
            [{"data": {"total": 7}, "output": output} for output in outputs],
            defaults={"html": "<h1>{{currency total}}</h1><script>document.body.append(Math.random())</script>"},
        )
        assert client.batches.wait(batch.id, timeout=120).status == "completed"
        return [item.sha256 for item in client.batches.items(batch.id)]

    first = digests()
    assert None not in first
    assert digests() == first


def test_a_batch_shows_where_and_when_it_is_rendered(client: Client) -> None:
    given = client.batches.create(
        [{"html": "x"}], timezone="Asia/Tokyo", locale="ja-JP", clock=datetime(2026, 3, 31, 21, 30, tzinfo=UTC)
    )
    read = client.batches.get(given.id)
    assert (read.timezone, read.locale, read.clock) == (
        "Asia/Tokyo",
        "ja-JP",
        datetime(2026, 3, 31, 21, 30, tzinfo=UTC),
    )
    plain = client.batches.create([{"html": "x"}])
    assert (plain.timezone, plain.locale, plain.clock) == ("UTC", "en-US", None)


def test_everything_wrong_is_named_at_once(client: Client) -> None:
    with pytest.raises(ValidationError) as caught:
        client.batches.create([{"html": "x"}], timezone="Moon", locale="de_DE", clock="2026-03-01")
    assert [field.path for field in caught.value.fields] == ["timezone", "locale", "clock"]


def test_a_row_that_a_helper_cannot_use_fails_alone_and_is_named(client: Client) -> None:
    batch = client.batches.create(
        [{"data": {"due": "2026-03-31"}}, {"data": {"due": "soon"}}],
        defaults={"html": "{{date due}}", "output": {"format": "png"}},
    )
    assert client.batches.wait(batch.id, timeout=120).status == "partial"
    good, bad = client.batches.items(batch.id)
    assert good.error is None
    assert bad.error is not None
    assert bad.error.code == "TEMPLATE_ERROR"
    assert '"date"' in bad.error.message
    assert '"due"' in bad.error.message


def test_a_dialects_batch_has_the_defaults(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.key()}"}
    with httpx2.Client(base_url=stack.api, headers=headers, timeout=60) as http:
        made = http.post("/v1/generate/batch", json={"items": [{"html": "x"}]}).json()
        batch = http.get(f"/v1/batches/{made['batch_id']}").json()
    assert (batch["timezone"], batch["locale"], batch["clock"]) == ("UTC", "en-US", None)
