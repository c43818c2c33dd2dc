"""The command line leads to the picture of a page that failed."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import httpx2

from tests.support.gateway import END_SECONDS
from tests.support.stack import Stack, pressline

FAILING = "<h1>{{title}}</h1><script>pressline.ready(Promise.reject(new Error('gone')))</script>"
RUN_SECONDS = 180


def test_one_render_and_the_manifest_of_a_batch(stack: Stack, tmp_path: Path) -> None:
    template, rows, out = tmp_path / "card.html", tmp_path / "rows.jsonl", tmp_path / "out"
    template.write_text(FAILING)
    rows.write_text('{"title": "One"}\n')
    environment = {"PRESSLINE_API_URL": stack.api, "PRESSLINE_API_KEY": stack.key(account="tests-cli-failed")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return pressline(*arguments, env=environment, check=False, timeout=RUN_SECONDS)

    deadline = time.monotonic() + END_SECONDS
    told = ""
    # A renderer that is very busy goes on without a picture.
    while not told and time.monotonic() < deadline:
        one = run("render", str(template), "-o", str(tmp_path / "a.png"), "--set", "title=One")
        assert one.returncode == 2, one.stdout + one.stderr
        told = one.stdout.partition("the page as it was then: ")[2].strip()
    assert httpx2.get(told, trust_env=False, timeout=60).headers["content-type"] == "image/jpeg"

    run("batch", str(template), str(rows), "--format", "png", "--out", str(out))
    (item,) = json.loads((out / "manifest.json").read_text())["items"]
    assert item["error"]["code"] == "TEMPLATE_ERROR"
    assert set(item["error"]) == {"code", "message", "screenshot_url"}
