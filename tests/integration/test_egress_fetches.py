"""What is loaded for documents, what is not, and what they are told; without a browser."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from pathlib import Path

import pytest
from aiohttp import web

from services.renderer.egress import fetcher
from services.renderer.egress.egress import Egress
from tests.support.address_forms import NUMERIC, RESOLVED, in_url
from tests.support.assets import RED, png
from tests.support.certificates import Authority
from tests.support.notifier_receivers import Canary, answering_raw, canary
from tests.support.ports import free_port
from tests.support.sites import Answers, Names, Page, load, running_site, way_out

NO_ADDRESS = "its host has no address that documents may load from"
LOGO = ("image/png", png(RED))


async def reason(egress: Egress, url: str, kind: str = "Image", method: str = "GET") -> str:
    """Why a new item of a new batch is not given a resource."""
    item = egress.of(f"batch of {url} {kind} {method}")
    assert await load(item, url, kind, method) is None
    (warning,) = item.warnings
    assert len(warning) < 300
    return warning.partition("was not loaded: ")[2].removesuffix(".")


async def test_a_resource_is_loaded_and_tells_nothing_of_us() -> None:
    async with running_site({"/logo.png": LOGO}) as site, way_out(site.port) as egress:
        item = egress.of("batch")
        answer = await load(item, f"{site.url}/logo.png?size=2")
        assert answer is not None
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, LOGO[1], "image/png")
        assert item.warnings == []
        (got,) = site.receiver.received
        assert set(got.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert got.headers["host"] == f"site.example:{site.port}"


async def test_a_packed_answer_is_unpacked() -> None:
    text = b"body{color:red}" * 1000
    packed = {
        "/gzip": web.Response(
            headers={"Content-Encoding": "gzip", "Content-Type": "text/css"}, body=gzip.compress(text)
        ),
        "/deflate": web.Response(
            headers={"Content-Encoding": "deflate", "Content-Type": "text/css"}, body=zlib.compress(text)
        ),
    }
    async with running_site(packed) as site, way_out(site.port) as egress:
        for path in packed:
            answer = await load(egress.of("batch"), site.url + path, "Stylesheet")
            assert answer is not None
            assert answer.body == text


async def test_no_form_of_a_private_address_is_connected_to() -> None:
    async with canary() as bird:
        hosts = [in_url(host) for host in (*NUMERIC, *RESOLVED) if host.isascii()]
        async with way_out(open_ports=frozenset({bird.port}), names={"localhost": [("127.0.0.1",)]}) as egress:
            reasons = {host: await reason(egress, f"http://{host}:{bird.port}/x.png") for host in hosts}
        assert set(reasons.values()) <= {NO_ADDRESS, "the address is not valid"}
        assert bird.connects == 0


async def _sings(bird: Canary, egress: Egress, host: str) -> bool:
    before = bird.connects
    await load(egress.of(f"batch {host}"), f"http://{host}:{bird.port}/")
    return bird.connects > before


async def test_a_name_is_judged_by_what_it_resolves_to_each_time() -> None:
    names: dict[str, Answers] = {
        "inside.example": [("127.0.0.1",)],
        "mapped.example": [("::ffff:127.0.0.1",)],
        "alias.example": [("localhost",)],
        "mixed.example": [("127.0.0.2", "169.254.169.254")],
        "rebound.example": [("127.0.0.1",), ("127.0.0.2",)],
    }
    async with canary() as bird:
        async with way_out(names=names, open_ports=frozenset({bird.port})) as egress:
            assert not any([await _sings(bird, egress, name) for name in names])
        resolver = Names(names)
        async with way_out(names=resolver, template_allow="127.0.0.1/32") as egress:
            assert await _sings(bird, egress, "rebound.example")
            # Looked up once: the address that was judged is the one that is connected to.
            assert resolver.asked == ["rebound.example"]
            # Not kept either: the second look-up leads elsewhere.
            item = egress.of("another batch")
            await load(item, f"http://rebound.example:{bird.port}/")
            assert bird.connects == 1
            assert NO_ADDRESS in item.warnings[0]


async def test_ports_methods_and_kinds_that_are_not_open() -> None:
    async with running_site({"/logo.png": LOGO}) as site, way_out(site.port) as egress:
        closed = free_port()
        assert await reason(egress, f"http://site.example:{closed}/logo.png") == NO_ADDRESS
        # A public address on another port; nothing is sent to it.
        assert await reason(egress, "http://1.1.1.1:25/") == NO_ADDRESS
        assert "POST" in await reason(egress, f"{site.url}/logo.png", "XHR", "POST")
        assert "only images" in await reason(egress, f"{site.url}/logo.png", "Media")
        assert "password" in await reason(egress, f"http://me:secret@site.example:{site.port}/logo.png")
        for url in ("ftp://site.example/x", "http://", "http:///x", f"{site.url}/a b", f"{site.url}/\r\nX: y"):
            assert await reason(egress, url) == "the address is not valid"
        assert site.asked == []


async def test_the_allow_list_alone() -> None:
    async with running_site({"/logo.png": LOGO}) as site:
        async with way_out(site.port, template_egress="allowlist") as egress:
            assert await load(egress.of("batch"), f"{site.url}/logo.png") is not None
            assert await reason(egress, f"http://127.0.0.1:{site.port}/logo.png") == NO_ADDRESS
            assert await reason(egress, "http://1.1.1.1/") == NO_ADDRESS
        site.receiver.received.clear()
        resolver = Names({"site.example": [("127.0.0.1",)]})
        async with way_out(site.port, names=resolver, template_egress="none") as egress:
            assert await reason(egress, f"{site.url}/logo.png") == "documents load nothing from elsewhere here"
        assert (resolver.asked, site.asked) == ([], [])


async def test_redirects_are_handed_back_and_judged_when_they_are_followed() -> None:
    async with canary() as bird:
        pages = {
            "/inside": web.Response(status=302, headers={"Location": f"http://127.0.0.1:{bird.port}/"}),
            "/relative": web.Response(status=301, headers={"Location": "logo.png"}),
            "/file": web.Response(status=302, headers={"Location": "file:///etc/passwd"}),
            "/nowhere": web.Response(status=302),
        }
        async with running_site(pages) as site, way_out(site.port) as egress:
            answer = await load(egress.of("batch"), f"{site.url}/relative")
            assert answer is not None
            assert (answer.status, answer.headers["Location"]) == (301, f"{site.url}/logo.png")
            answer = await load(egress.of("batch"), f"{site.url}/inside")
            assert answer is not None
            assert await reason(egress, answer.headers["Location"]) == NO_ADDRESS
            assert "redirects" in await reason(egress, f"{site.url}/file")
            assert "redirects" in await reason(egress, f"{site.url}/nowhere")
        assert bird.connects == 0


async def test_what_answers_badly_is_named() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    pages: dict[str, Page] = {
        "/gone": web.Response(status=410),
        "/page": ("text/html", b"<p>please log in"),
        "/untyped.css": ("application/octet-stream", b"x"),
        "/large": ("image/png", b"x" * 200_000),
        "/bomb": web.Response(headers={"Content-Encoding": "gzip", "Content-Type": "image/png"}, body=bomb),
        "/damaged": web.Response(headers={"Content-Encoding": "gzip", "Content-Type": "image/png"}, body=b"x" * 99),
        "/half": web.Response(headers={"Content-Encoding": "gzip", "Content-Type": "image/png"}, body=bomb[:50]),
        "/packed": web.Response(headers={"Content-Encoding": "br", "Content-Type": "image/png"}, body=b"x"),
    }
    async with running_site(pages) as site, way_out(site.port, remote_bytes=100_000) as egress:
        assert await reason(egress, f"{site.url}/gone") == "the server answered 410"
        assert await reason(egress, f"{site.url}/page") == "the server answered with 'text/html'"
        assert "octet-stream" in await reason(egress, f"{site.url}/untyped.css", "Stylesheet")
        assert await reason(egress, f"{site.url}/large") == "it is larger than 100,000 bytes"
        assert await reason(egress, f"{site.url}/bomb") == "it is larger than 100,000 bytes"
        assert "damaged" in await reason(egress, f"{site.url}/damaged")
        assert "ended early" in await reason(egress, f"{site.url}/half")
        assert "packed" in await reason(egress, f"{site.url}/packed")


async def test_answers_that_never_end_are_left() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def truncated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nxxx")
        await writer.drain()

    async def upgrading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await writer.drain()

    async def mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.readuntil(b"\r\n\r\n")

    expected = {
        silent: "it took longer than 0.5 seconds",
        endless: "it is larger than 10,000,000 bytes",
        truncated: "the server's answer ended early",
        upgrading: "the server answered 101",
        mail: "the server did not answer as HTTP demands",
    }
    for serve, words in expected.items():
        seconds = 0.5 if serve is silent else 60
        async with answering_raw(serve) as port, way_out(port, remote_seconds=seconds) as egress:
            assert await reason(egress, f"http://site.example:{port}/x.png") == words
    async with running_site({"/x.png": LOGO}) as site, way_out(site.port) as egress:
        words = "no trusted TLS connection to the server could be made"
        assert await reason(egress, site.url.replace("http:", "https:") + "/x.png") == words
    closed = free_port()
    async with way_out(closed) as egress:
        assert await reason(egress, f"http://site.example:{closed}/") == "the server could not be connected to"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"Location: http://[", "the address is not valid"),
        (b"Location: //\xff\xfe:99999999/", "is not valid"),
        (b"Location: javascript:alert(1)", "redirects to what is neither"),
        (b"Location: \xff\xc3\xa4", ""),
        (b"Content-Type: image/\xff\xfe", ""),
    ],
)
async def test_headers_of_any_bytes(header: bytes, words: str) -> None:
    status = b"302 Found" if header.startswith(b"Location") else b"200 OK"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 1\r\n" + header + b"\r\n\r\nx")
        await writer.drain()

    async with answering_raw(serve) as port, way_out(port) as egress:
        item = egress.of("batch")
        answer = await load(item, f"http://site.example:{port}/folder/x.png")
        if answer is not None and "Location" in answer.headers:
            again = await load(item, answer.headers["Location"])
            assert again is None or again.status == 302
        told = " ".join([*item.warnings, *(answer.headers.values() if answer else ())])
        assert told.isascii()
        assert words in told


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    identity = Authority(tmp_path).issue("site", "site.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(identity.cert, identity.key)
    served = 0

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with way_out(port) as egress:
            assert "no trusted TLS" in await reason(egress, f"https://site.example:{port}/x.png")
    assert served == 0


async def test_a_server_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "IDLE_SECONDS", 0.3)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nbeginning")
        await reader.read()
        await reader.read()

    async with answering_raw(serve) as port, way_out(port, remote_seconds=60) as egress:
        assert "sent nothing for" in await reason(egress, f"http://site.example:{port}/x.png")
