"""Time zone, locale and clock as the scripts of a document see them, and the same bytes for the same input."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Environment
from tests.support.renderer import STRICT, image, pdf, render, running_engine, source

MOMENT = int(datetime(2026, 3, 8, 6, 59, 59, 250_000, tzinfo=UTC).timestamp() * 1000)
TOKYO = Environment("Asia/Tokyo", "de-DE", MOMENT)
NEW_YORK = Environment("America/New_York", "en-US", MOMENT)

# Prints what its expressions come to, one in each line.
PRINTER = """<!doctype html><body><pre id=out></pre><script>
  const print = (value) => { out.textContent += String(value) + "\\n"; };
  %s
</script>"""
SEEN = """for (const value of [
    new Date().toString(), Date(), new Date(Date.now()).toISOString(), new Date(2026, 0, 1).toISOString(),
    new Date(0).toISOString(), new Date() instanceof Date, new (class extends Date {})().toISOString(),
    new Date().constructor === Date, Date.UTC(1970, 0, 2), Date.parse("1970-01-01T00:00:01Z"),
    Intl.DateTimeFormat().resolvedOptions().timeZone, Intl.NumberFormat().resolvedOptions().locale,
    new Date().toLocaleString(), (1234567.891).toLocaleString(),
    new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" }).format(),
    new Intl.DateTimeFormat("en").formatToParts().map((part) => part.value).join(""),
    navigator.language, navigator.languages.join(), Temporal.Now.instant(), Temporal.Now.plainDateISO(),
    Temporal.Now.plainTimeISO("UTC"), Temporal.Now.zonedDateTimeISO().timeZoneId,
  ]) print(value);"""


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def lines(data: bytes) -> list[str]:
    return [line for page in PdfReader(io.BytesIO(data)).pages for line in page.extract_text().splitlines()]


async def printed(engine: Engine, script: str, where: Environment) -> list[str]:
    return lines((await render(engine, PRINTER % script, pdf(), where=where)).data)


async def test_scripts_see_the_zone_the_locale_and_the_clock(engine: Engine) -> None:
    assert await printed(engine, SEEN, TOKYO) == [
        "Sun Mar 08 2026 15:59:59 GMT+0900 (Japanische Normalzeit)",
        "Sun Mar 08 2026 15:59:59 GMT+0900 (Japanische Normalzeit)",
        "2026-03-08T06:59:59.250Z",
        "2025-12-31T15:00:00.000Z",
        "1970-01-01T00:00:00.000Z",
        "true",
        "2026-03-08T06:59:59.250Z",
        "true",
        "86400000",
        "1000",
        "Asia/Tokyo",
        "de-DE",
        "8.3.2026, 15:59:59",
        "1.234.567,891",
        "Sonntag, 8. März 2026 um 15:59:59",
        "3/8/2026",
        "de-DE",
        "de-DE",
        "2026-03-08T06:59:59.25Z",
        "2026-03-08",
        "06:59:59.25",
        "Asia/Tokyo",
    ]


async def test_batches_of_two_places_take_turns_on_one_renderer(engine: Engine) -> None:
    script = "print(new Date().toLocaleString()); print((1234.5).toLocaleString()); print(navigator.language);"
    expected = {
        TOKYO: ["8.3.2026, 15:59:59", "1.234,5", "de-DE"],
        NEW_YORK: ["3/8/2026, 1:59:59 AM", "1,234.5", "en-US"],
    }
    places = [TOKYO, NEW_YORK] * 4
    results = await asyncio.gather(*(printed(engine, script, where) for where in places))
    assert [[line.replace("\u202f", " ") for line in result] for result in results] == [expected[x] for x in places]


async def test_the_hour_that_daylight_saving_skips(engine: Engine) -> None:
    script = """const d = new Date(); print(d.getHours() + " " + d.getTimezoneOffset());
      d.setSeconds(d.getSeconds() + 1); print(d.getHours() + " " + d.getTimezoneOffset());"""
    assert await printed(engine, script, NEW_YORK) == ["1 300", "3 240"]


async def test_an_extension_of_a_locale_counts_for_formats_alone(engine: Engine) -> None:
    where = Environment("UTC", "ar-EG-u-nu-latn", MOMENT)
    assert await printed(engine, "print((12.5).toLocaleString()); print(navigator.language)", where) == [
        "12.5",
        "ar-EG",
    ]


async def test_time_passes_by_the_pages_own_timers_alone(engine: Engine) -> None:
    script = """
      const began = Date.now(), passed = () => Date.now() - began;
      const busy = performance.now(); while (performance.now() - busy < 30); print(passed());
      pressline.ready(new Promise((done) => {
        setTimeout((a, b) => { print(a + b + " " + passed()); }, 40, "x", "y");
        setTimeout("print('text ' + passed())", 70);
        let ticks = 0;
        const ticking = setInterval(() => { print(passed()); if (++ticks === 2) clearInterval(ticking); }, 50);
        const stopped = setTimeout(() => print("never"), 60); clearTimeout(stopped);
        setTimeout(() => {
          const before = passed();
          requestAnimationFrame(() => requestAnimationFrame(() => { print(passed() - before); done(); }));
        }, 300);
      }));"""
    assert await printed(engine, script, TOKYO) == ["0", "xy 40", "50", "text 50", "100", "32"]


async def test_frames_begin_once_the_document_has_loaded(engine: Engine) -> None:
    script = """
      const image = new Image();
      image.src = URL.createObjectURL(new Blob(["<svg xmlns='http://www.w3.org/2000/svg' width='900' height='600'/>"],
        { type: "image/svg+xml" }));
      document.body.append(image);
      const cancelled = requestAnimationFrame(() => print("never"));
      requestAnimationFrame(() => {
        print("one " + document.readyState + " " + image.naturalWidth);
        const next = requestAnimationFrame(() => print("three"));
        const other = requestAnimationFrame(() => print("never"));
        cancelAnimationFrame(other);
        print(next > 0);
      });
      requestAnimationFrame((time) => { print("two " + (time > 0)); cancelAnimationFrame(late); });
      const late = requestAnimationFrame(() => print("never"));
      cancelAnimationFrame(cancelled); cancelAnimationFrame(undefined); cancelAnimationFrame(-99);
      addEventListener("load", () => print("load"));
      pressline.ready(new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));"""
    for _ in range(5):
        assert await printed(engine, script, TOKYO) == ["load", "one complete 900", "true", "two true", "three"]


async def test_what_waits_for_the_clock_ends(engine: Engine) -> None:
    # As libraries do that call a function once nothing has happened for a while.
    script = """
      pressline.ready(new Promise((done) => {
        const asked = Date.now();
        const look = () => { if (Date.now() - asked >= 200) { print("done"); done(); } else setTimeout(look, 50); };
        look();
      }));
      pressline.ready(new Promise((done) => {
        const began = Date.now();
        const draw = () => {
          if (Date.now() - began > 300) { print("drawn"); done(); } else requestAnimationFrame(draw);
        };
        draw();
      }));
      for (const delay of [0, undefined, 0.5, -1, Infinity, "x"]) pressline.ready(new Promise((done) => {
        const began = Date.now();
        const wait = () => {
          if (Date.now() - began < 5) setTimeout(wait, delay); else { print(Number.isInteger(Date.now())); done(); }
        };
        wait();
      }));"""
    assert sorted(await printed(engine, script, TOKYO)) == ["done", "drawn", *["true"] * 6]


async def test_random_numbers_follow_from_the_document(engine: Engine) -> None:
    script = "for (let i = 0; i < 200; i += 1) print(Math.random()); // %s"
    first = await printed(engine, script % "a", TOKYO)
    assert await printed(engine, script % "a", NEW_YORK) == first
    assert await printed(engine, script % "b", TOKYO) != first
    numbers = [float(line) for line in first]
    assert len(set(numbers)) == 200
    assert all(0 <= number < 1 for number in numbers)
    assert 0.4 < sum(numbers) / 200 < 0.6


async def test_frames_of_the_document_have_the_same_clock(engine: Engine) -> None:
    script = """const frame = document.createElement("iframe");
      window.show = print;
      frame.srcdoc = "<script>parent.show(new Date().toISOString() + Math.random())<" + "/script>";
      document.body.append(frame);"""
    (line,) = await printed(engine, script, TOKYO)
    assert line.startswith("2026-03-08T06:59:59.250Z")


async def test_components_see_the_same(engine: Engine) -> None:
    component = source("export default () => <p>{new Date().toLocaleString()}</p>", SourceDocument.KIND_REACT)
    assert lines((await render(engine, component, pdf(), where=TOKYO)).data) == ["8.3.2026, 15:59:59"]


async def test_a_document_without_scripts_looks_the_same_everywhere(engine: Engine) -> None:
    # So a warm page may serve batches of any zone and locale without being told.
    body = """<!doctype html><body style="font:20px serif">直骨誤 <q>x</q> <b style="text-transform:uppercase">i</b>
      <input type=date value=2026-03-01><input type=number value=1234.5><input type=time value=13:05>
      <input type=month value=2026-03><input type=file><input type=submit><details><summary>x</summary></details>
      <p style="hyphens:auto;width:90px">Donaudampfschifffahrt</p>"""
    files = {(await render(engine, body, image(500, 300), where=where)).data for where in (TOKYO, NEW_YORK) * 2}
    assert len(files) == 1


STATIC = """<!doctype html><title>T</title><h1 id=top>Title é漢😀</h1><p>{{date @now 'long'}}</p><a href="#top">up</a>
  <a href="https://example.com">out</a><div style="background:linear-gradient(red,blue);height:80px"></div>"""
SCRIPTED = (
    STATIC
    + """<p id=p></p><canvas id=c width=200 height=50></canvas><script>
  p.textContent = new Date() + " " + Math.random();
  const pen = c.getContext("2d");
  for (let i = 0; i < 50; i += 1) pen.fillRect(Math.random() * 200, Math.random() * 50, 4, 4);
</script>"""
)
OUTPUTS = {
    "png": image(400, 300, format_=FORMAT_PNG),
    "jpeg": image(400, 300, format_=FORMAT_JPEG),
    "webp": image(400, 300, format_=FORMAT_WEBP),
    "pdf": pdf(footer_html="{{pageNumber}} of {{totalPages}}"),
}


async def digests(engine: Engine, body: str) -> dict[str, str]:
    document = source(body, STRICT)
    files = {name: await render(engine, document, output, where=TOKYO) for name, output in OUTPUTS.items()}
    return {name: hashlib.sha256(rendered.data).hexdigest() for name, rendered in files.items()}


@pytest.mark.parametrize("body", [STATIC, SCRIPTED], ids=["static", "scripted"])
async def test_the_same_item_gives_the_same_bytes(engine: Engine, body: str) -> None:
    first = await digests(engine, body)
    # Something else on the same page, and more than the second that a PDF's date can tell.
    await render(engine, "<p>other")
    await asyncio.sleep(1.1)
    assert await digests(engine, body) == first
    async with running_engine() as another:
        assert await digests(another, body) == first


def written_dates(data: bytes) -> list[bytes]:
    return re.findall(rb"/(?:CreationDate|ModDate) \(([^)]*)\)", data)


async def test_a_pdf_carries_the_clock_that_was_given(engine: Engine) -> None:
    fixed = Environment("Asia/Tokyo", "de-DE", MOMENT, fixed=True)
    data = (await render(engine, "<title>(D:20200101000000+00'00')</title>x", pdf(), where=fixed)).data
    assert written_dates(data) == [b"D:20260308065959+00'00'"] * 2
    found = PdfReader(io.BytesIO(data), strict=True).metadata
    assert found is not None
    assert found.creation_date == found.modification_date == datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)
    assert found.title == "(D:20200101000000+00'00')"


async def test_a_pdf_carries_no_date_when_no_clock_was_given(engine: Engine) -> None:
    data = (await render(engine, "<title>T</title>x", pdf(), where=TOKYO)).data
    found = PdfReader(io.BytesIO(data), strict=True).metadata
    assert found is not None
    assert (found.title, found.creation_date, found.modification_date) == ("T", None, None)
