from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from pressline_client import Client
from tests.support.stack import Stack

PRESSLINE = str(Path(sys.executable).parent / "pressline")
RUN_SECONDS = 120
CARD = """<!doctype html><html><head><meta name="viewport" content="width=320, height=200">
<style>body { margin: 0; background: {{colour}} }</style></head><body><h1>{{name}}</h1></body></html>"""


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PRESSLINE, *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
        env=os.environ | environment,
    )


def named(stack: Stack, plan: str = "enterprise") -> dict[str, str]:
    return {"PRESSLINE_API_URL": stack.api, "PRESSLINE_API_KEY": stack.key(plan=plan)}


def write(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return content


def test_csv_to_png_with_names_references_and_a_contact_sheet(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)
    rows = write(tmp_path / "rows.csv", "\ufeffname,colour,id\nŁukasz,#ff0000,a\n../Zoë,#00ff00,b\nŁukasz,#0000ff,c\n")
    out = tmp_path / "out"

    done = run(
        "batch", template, rows, "--format", "png", "--out", out, "--name", "{{name}}.png", "--reference", "id",
        **named(stack),
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    items = manifest(out)["items"]
    assert [item["file"] for item in items] == ["Łukasz.png", "-Zoë.png", "Łukasz-2.png"]
    assert [item["reference"] for item in items] == ["a", "b", "c"]
    for item, colour in zip(items, [(255, 0, 0), (0, 255, 0), (0, 0, 255)], strict=True):
        content = (out / item["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == item["sha256"]
        assert len(content) == item["bytes"]
        with Image.open(out / item["file"]) as picture:
            assert picture.size == (320, 200) == (item["width"], item["height"])
            assert picture.convert("RGB").getpixel((319, 199)) == colour
    with Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.width > 600
    assert {path.name for path in out.iterdir()} == {
        "Łukasz.png", "-Zoë.png", "Łukasz-2.png", "manifest.json", "contact-sheet.png"
    }  # fmt: skip


def test_twelve_rows_in_two_batches_of_which_one_row_fails(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)
    rows = [{"name": f"Row {n}", "colour": "white"} for n in range(12)]
    del rows[4]["name"]
    data = write(tmp_path / "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "out"

    done = run("batch", template, data, "--format", "png", "--out", out, **named(stack, "free"))

    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("row 5")]
    assert "name" in line
    content = manifest(out)
    assert len(content["batches"]) == 2
    assert [item["index"] for item in content["items"]] == list(range(12))
    assert [item["status"] for item in content["items"]].count("succeeded") == 11
    assert content["items"][4]["status"] == "failed"
    assert content["items"][4]["error"]["message"] in line
    assert content["items"][11]["file"] == "12.png"
    assert content["items"][11]["batch_id"] == content["batches"][1]


def test_json_lines_to_pdf(stack: Stack, tmp_path: Path) -> None:
    template = write(
        tmp_path / "doc.html",
        "<style>@page { size: 100mm 50mm; margin: 0 }</style>"
        "{{#each parts}}<p style='break-after: page'>{{this}} of {{@root.owner.name}}</p>{{/each}}",
    )
    data = write(tmp_path / "rows.jsonl", '{"owner": {"name": "Ada"}, "parts": ["one", "two"]}\n')
    out = tmp_path / "out"

    done = run("batch", template, data, "--format", "pdf", "--out", out, "--name", "{{owner.name}}", **named(stack))

    assert done.returncode == 0, done.stdout + done.stderr
    reader = PdfReader(out / "Ada.pdf")
    assert manifest(out)["items"][0]["pages"] == len(reader.pages) >= 2
    assert "two of Ada" in reader.pages[1].extract_text()
    assert round(float(reader.pages[0].mediabox.width) / 72 * 25.4) == 100


def test_render_one_on_the_local_stack_with_a_key_kept_private(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)
    row = write(tmp_path / "row.json", '{"name": "Ada", "colour": "red"}')

    for size, name in ((None, "a.webp"), ("64x48", "b.jpg")):
        chosen = ("--size", size) if size else ()
        done = run(
            "render", template, "-o", tmp_path / name, "--data-file", row, "--set", "colour=blue",
            "--data", stack.data, *chosen,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    with Image.open(tmp_path / "a.webp") as picture:
        assert picture.size == (320, 200)
    with Image.open(tmp_path / "b.jpg") as picture:
        assert picture.size == (64, 48)
        red, _, blue = picture.convert("RGB").getpixel((60, 44))  # type: ignore[misc]
        assert blue > 200 > red
    assert (stack.data / "cli-key").stat().st_mode & 0o777 == 0o600


def test_render_tells_why_it_failed(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)

    done = run("render", template, "-o", tmp_path / "a.png", "--set", "name=Ada", **named(stack))

    assert done.returncode == 2, done.stdout + done.stderr
    assert "colour" in done.stdout
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["batch", "card.html", "none.csv", "--format", "png", "--out", "out"], "No such file"),
        (["batch", "card.html", "rows.csv", "--format", "gif", "--out", "out"], "gif"),
        (["batch", "card.html", "rows.csv", "--format", "png", "--out", "out", "--name", "{{x}}"], "'x'"),
        (["batch", "card.html", "rows.csv", "--format", "png", "--out", "out", "--size", "9999x9"], "width"),
    ],
)
def test_refusals_end_with_one_and_a_sentence(stack: Stack, tmp_path: Path, arguments: list[str], words: str) -> None:
    write(tmp_path / "card.html", CARD)
    write(tmp_path / "rows.csv", "name,colour\nAda,red\n")
    paths = [
        str(tmp_path / word) if word in {"card.html", "rows.csv", "none.csv", "out"} else word for word in arguments
    ]

    done = run(*paths, **named(stack))

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_key_is_refused(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)

    done = run("render", template, "-o", tmp_path / "a.png", "--api", stack.api, "--key", "wrong")

    assert done.returncode == 1
    assert "UNAUTHORIZED" in done.stderr


def test_interrupting_cancels_what_runs(stack: Stack, tmp_path: Path) -> None:
    template = write(tmp_path / "card.html", CARD)
    data = write(tmp_path / "rows.csv", "name,colour\n" + "".join(f"n{n},red\n" for n in range(2000)))
    environment = named(stack)
    out = tmp_path / "out"
    command = [PRESSLINE, "batch", str(template), str(data), "--format", "png", "--out", str(out)]
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL) as process:
        try:
            _until(lambda: any(out.glob("*.png")))
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 130
    assert not list(out.glob(".*"))
    (batch_id,) = manifest(out)["batches"]
    with Client(stack.api, environment["PRESSLINE_API_KEY"]) as client:
        ended = client.batches.wait(batch_id, timeout=60)
    assert ended.status == "cancelled"
    assert ended.cancelled > 0


def _until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)
