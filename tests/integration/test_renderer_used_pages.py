"""A page that has run the scripts of other documents shows the next one as a new page does."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator

import pytest
from pypdf import PdfReader

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Environment
from tests.support.assets import png
from tests.support.fonts import truetype
from tests.support.renderer import chromium_processes, image, pdf, render, running_engine

# Says what a script can find of others, in letters.
LOOK = """<!doctype html><body style="font:11px monospace;margin:4px"><pre id=said></pre><script>
const said = {
  globals: Object.keys(globalThis).filter((name) => /stain/i.test(name)), prototype: ({}).stain,
  name: window.name, cookie: document.cookie, local: localStorage.length, session: sessionStorage.length,
  history: history.length, state: history.state, entries: navigation.entries().length, back: navigation.canGoBack,
  referrer: document.referrer, opener: String(window.opener), frames: window.length,
  fonts: [...document.fonts].length, sheets: document.adoptedStyleSheets.length,
  elements: !!customElements.get("s-tain"),
  active: navigator.userActivation.hasBeenActive, focus: document.hasFocus(), shown: document.visibilityState,
  type: performance.getEntriesByType("navigation")[0]?.type, marks: performance.getEntriesByName("stain").length,
  scroll: [scrollX, scrollY], width: [innerWidth, devicePixelRatio], active_element: document.activeElement?.tagName,
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone, language: navigator.languages.join(),
  number: (1234.5).toLocaleString(), now: Date.now(), random: Math.random(), location: location.href,
};
const answered = [];
const channel = new BroadcastChannel("stain");
channel.onmessage = (event) => answered.push(event.data);
channel.postMessage("?");
const wait = (time) => new Promise((done) => setTimeout(done, time));
const databases = async () => (await indexedDB.databases()).map(({ name }) => name);
const files = async () => {
  const names = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
  return names;
};
const tried = (what) => Promise.race([what().catch((error) => error.name), wait(3000).then(() => "late")]);
const questions = {
  databases, files, caches: () => caches.keys(), locks: async () => (await navigator.locks.query()).held.length,
  workers: async () => (await navigator.serviceWorker.getRegistrations()).length,
  buckets: () => navigator.storageBuckets.keys(), cookies: async () => (await cookieStore.getAll()).length,
};
pressline.ready((async () => {
  for (const [name, question] of Object.entries(questions)) said[name] = await tried(question);
  await wait(150);
  said.answered = answered;
  document.getElementById("said").textContent = JSON.stringify(said, null, 1);
})());
</script>"""
LEFT = {
    "nothing": "1",
    "globals": "window.stain = 1; Object.prototype.stain = 1;"
    "customElements.define('s-tain', class extends HTMLElement {})",
    "the name of the window": "window.name = 'stain'",
    "cookies": "document.cookie = 'stain=1;max-age=9999'; document.cookie = 'stain2=1;path=/x;max-age=9999';"
    "document.cookie = 'stain3=1;domain=document.invalid;max-age=9999';"
    "pressline.ready(cookieStore.set('stain4', '1'))",
    "local storage": "localStorage.stain = 'x'.repeat(1e6)",
    "session storage": "sessionStorage.stain = 'x'.repeat(1e6)",
    "storage, to the last moment": "setInterval(() => { localStorage.stain = Math.random(); sessionStorage.stain = 1;"
    "window.name = 'stain'; document.cookie = 'stain=1' }, 1);"
    "addEventListener('pagehide', () => { localStorage.late = sessionStorage.late = 1; document.cookie = 'late=1' });",
    "databases": "const asked = indexedDB.open('stain'); asked.onupgradeneeded = () =>"
    "asked.result.createObjectStore('s').put('x'.repeat(1e6), 1);"
    "pressline.ready(new Promise((done) => { asked.onsuccess = done }))",
    "an open database": "const asked = indexedDB.open('stain'); asked.onupgradeneeded = () =>"
    "asked.result.createObjectStore('s'); asked.onsuccess = () => setInterval(() =>"
    "asked.result.transaction('s', 'readwrite').objectStore('s').put(1, Math.random()), 1);"
    "pressline.ready(new Promise((done) => setTimeout(done, 100)))",
    "caches": "pressline.ready(caches.open('stain').then((cache) => cache.put('/x', new Response('x'))))",
    "files": "pressline.ready(navigator.storage.getDirectory().then((d) => d.getFileHandle('stain', {create: true})))",
    "buckets": "pressline.ready(navigator.storageBuckets.open('stain'))",
    "history": "history.pushState({stain: 1}, '', '/stain');history.pushState(2, '', '/stain2#x'); location.hash = 'y'",
    "an anchor": "document.body.style.height = '9999px'; scrollTo(0, 5000); location.hash = 'stain'",
    "going back": "history.pushState(1, '', '/a'); history.pushState(2, '', '/b');setInterval(() => history.back(), 5)",
    "a channel": "const c = new BroadcastChannel('stain'); c.onmessage = () => c.postMessage('stain')",
    "a worker with a channel": "new Worker(URL.createObjectURL(new Blob(['const c = new BroadcastChannel(`stain`);"
    "c.onmessage = () => c.postMessage(`stain`); setInterval(() => c.postMessage(`worker`), 1)'])));"
    "pressline.ready(new Promise((done) => setTimeout(done, 300)))",
    "a shared worker": "new SharedWorker(URL.createObjectURL(new Blob(['const c = new BroadcastChannel(`stain`);"
    "setInterval(() => c.postMessage(`shared`), 1)'])), {extendedLifetime: true});"
    "pressline.ready(new Promise((done) => setTimeout(done, 300)))",
    "a lock": "pressline.ready(new Promise((got) =>"
    "navigator.locks.request('stain', () => (got(), new Promise(() => 0)))))",
    "a window": "const w = window.open('about:blank', 'stain'); w && w.document.write('<script>"
    "const c = new BroadcastChannel(`stain`); setInterval(() => c.postMessage(`window`), 1)<' + '/script>');"
    "pressline.ready(new Promise((done) => setTimeout(done, 300)))",
    "a frame": "const f = document.createElement('iframe'); f.name = 'stain'; document.body.append(f);"
    "f.contentWindow.eval('setInterval(() => localStorage.stain = 1, 1)')",
    "timers": "setInterval(() => { window.name += 'x'; document.title = 'stain' }, 1)",
    "endless animation": "const again = () => { window.name = 'stain'; requestAnimationFrame(again) }; again()",
    "questions": "setTimeout(() => { alert(1); confirm(2) }, 1); onbeforeunload = () => 'stay'",
    "going elsewhere": "setInterval(() => { location = 'https://elsewhere.invalid/' + Math.random() }, 3)",
    "going to another origin": "setInterval(() => { location = 'about:blank#' + Math.random() }, 3)",
    "focus": "const i = document.createElement('input'); document.body.append(i); i.focus();"
    "document.body.requestFullscreen?.().catch(() => 0)",
    "a broken page": "Promise.prototype.then = Array.prototype.push = document.open = null; Object.freeze(globalThis)",
    "marks": "performance.mark('stain'); document.fonts.add(new FontFace('x', 'local(Noto Sans)'));"
    "document.adoptedStyleSheets = [new CSSStyleSheet()]",
}
STAIN = "<!doctype html><body>stain<script>{}</script>"


# They live on by themselves, so the page is thrown away.
LASTING = {"a shared worker", "a window"}
# Fonts, images and sizes are told to scripts when they are there, a canvas keeps what was drawn first, and frames come
# when they come: all of it must not depend on what the process has seen before.
PRINTER = """<pre id=said></pre><script>
const say = (...words) => { said.textContent += words.join(" ") + "\\n" };
%s</script>"""
FONT = f"url(data:font/ttf;base64,{base64.b64encode(truetype('Boxes')).decode()})"
PICTURE = f"data:image/png;base64,{base64.b64encode(png((0, 99, 0))).decode()}"
DOCUMENTS = {
    "an image": f"const i = new Image(); i.src = '{PICTURE}'; say(i.complete, i.naturalWidth);"
    "i.onload = () => say('loaded'); Promise.resolve().then(() => say(i.complete)); document.body.append(i)",
    "a font": f"const f = new FontFace('Boxes', '{FONT}'); say(f.status); f.load().then(() => "
    "{ document.fonts.add(f); document.body.style.font = '20px Boxes'; say('AAA') }); say(f.status)",
    "text on a canvas": "const c = document.body.appendChild(document.createElement('canvas')).getContext('2d');"
    "c.font = '20px serif'; c.fillText('Hello', 5, 30); say(c.measureText('Hello').width)",
    "a drawn image": "const c = document.body.appendChild(document.createElement('canvas')).getContext('2d');"
    f"const i = new Image(); i.onload = () => c.drawImage(i, 50, 0, 60, 60); i.src = '{PICTURE}';"
    "c.fillRect(0, 0, 80, 40)",
    "sizes": "const d = document.body.appendChild(document.createElement('div')); d.style.width = '50px';"
    "new ResizeObserver(([e]) => say('size', e.contentRect.width)).observe(d);"
    "new IntersectionObserver(([e]) => say('seen', e.isIntersecting)).observe(d); d.style.width = '70px'",
    "a frame": f"document.body.style.font = '20px Boxes'; document.fonts.add(new FontFace('Boxes', '{FONT}'));"
    "requestAnimationFrame(() => say(document.fonts.status, said.offsetWidth > 0))",
    "elements": "customElements.define('x-y', class extends HTMLElement { connectedCallback() {"
    "this.attachShadow({ mode: 'open' }).innerHTML = '<b>shadow</b>'; say('up') } });"
    "document.body.append(document.createElement('x-y'))",
    "a worker": "const w = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));"
    "pressline.ready(new Promise((done) => { w.onmessage = ({ data }) => done(say(data)) }))",
    "properties": "CSS.registerProperty({ name: '--x', syntax: '<length>', inherits: false, initialValue: '3px' });"
    "say(getComputedStyle(document.body).getPropertyValue('--x'))",
}
OUTPUTS = {"png": image(300, 200), "png of scale 2": image(300, 200, 2), "pdf": pdf()}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(browsers=1, pages=1, recycle=10_000) as running:
        yield running


@pytest.fixture(scope="module")
async def untouched(engine: Engine) -> str:
    return await looked(engine, "new")


async def looked(engine: Engine, account: str, where: Environment = NEUTRAL) -> str:
    rendered = await render(engine, LOOK, pdf(), account=account, where=where)
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(rendered.data)).pages)


def pages() -> set[int]:
    return {each.pid for each in chromium_processes() if "--type=renderer" in each.cmdline()}


def test_what_is_looked_for_is_found(untouched: str) -> None:
    said = json.loads(untouched)
    assert said["location"] == "https://document.invalid/"
    empty = ("globals", "name", "cookie", "local", "session", "databases", "files", "caches", "buckets", "answered")
    assert not any(said[name] for name in empty)


@pytest.mark.parametrize("left", list(LEFT))
async def test_scripts_leave_nothing_to_the_next(engine: Engine, untouched: str, left: str) -> None:
    await looked(engine, "used")
    before = pages()
    await render(engine, STAIN.format(LEFT[left]), account="used")
    assert await looked(engine, "used") == untouched
    # They were shown by one page.
    assert (pages() == before) == (left not in LASTING)


async def test_a_page_that_does_not_end_is_thrown_away(engine: Engine, untouched: str) -> None:
    await render(engine, STAIN.format("addEventListener('pagehide', () => { for (;;); })"), account="endless")
    assert await looked(engine, "endless") == untouched


async def test_each_document_has_its_own_time_and_place(engine: Engine) -> None:
    places = [
        NEUTRAL,
        Environment("Asia/Tokyo", "de-DE", 1_000),
        Environment("America/New_York", "ar", 2_000, fixed=True),
    ]
    alone = [await looked(engine, f"place {index}", where) for index, where in enumerate(places)]
    assert len(set(alone)) == len(places)
    for index in (0, 1, 2, 0, 2, 2, 1):
        assert await looked(engine, "places", places[index]) == alone[index]


@pytest.mark.parametrize("kind", list(OUTPUTS))
async def test_a_used_page_is_as_a_new_one(engine: Engine, kind: str) -> None:
    async def made(name: str, account: str) -> bytes:
        return (await render(engine, PRINTER % DOCUMENTS[name], OUTPUTS[kind], account=account)).data

    new = {name: await made(name, f"{name} {kind}") for name in DOCUMENTS}
    # Before them, one of another size and scale.
    await render(engine, STAIN.format("1"), image(100, 100, 3), account="warm")
    for names in (list(DOCUMENTS), list(reversed(DOCUMENTS))):
        assert [name for name in names for _ in range(2) if await made(name, "warm") != new[name]] == []
