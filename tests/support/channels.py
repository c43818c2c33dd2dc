"""The ways by which a document could reach a network, and a listener that hears whatever arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.ports import free_port


class Canary:
    """Counts the bytes that arrive on a TCP and a UDP port of this machine."""

    def __init__(self) -> None:
        self.hits: list[bytes] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits.append(await reader.read(200))
        writer.write(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n")
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, canary: Canary) -> None:
        self._canary = canary

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self._canary.hits.append(data)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Canary, int]]:
    canary = Canary()
    port = free_port()
    server = await asyncio.start_server(canary.connected, None, port)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(canary), local_addr=("127.0.0.1", port)
    )
    try:
        yield canary, port
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


STATIC_CHANNELS = """<link rel=stylesheet href="{u}/css"><link rel=preload as=image href="{u}/preload">
<link rel=prefetch href="{u}/prefetch"><link rel=preconnect href="{u}"><link rel=dns-prefetch href="{u}">
<link rel=icon href="{u}/icon"><link rel=manifest href="{u}/manifest">
<style>@import url({u}/import); @font-face{{font-family:F;src:url({u}/font)}}
body{{font-family:F;background:url({u}/bg)}}</style>
<img src="{u}/img" srcset="{u}/srcset 1x"><img src="HTTP://user:word@127.1:{p}/short">
<img src="http://2130706433:{p}/decimal">
<img src="http://0x7f000001:{p}/hex"><img src="http://[::ffff:127.0.0.1]:{p}/mapped">
<img src="http://localhost:{p}/name"><img src="http://0.0.0.0:{p}/zero"><img src="http://[::1]:{p}/six">
<img src="http://0177.0.0.1:{p}/octal"><img src="http://[::127.0.0.1]:{p}/compatible"><img src="//127.0.0.1:{p}/any">
<svg><image href="{u}/svgimage"/><use href="{u}/use#x"/></svg>
<video src="{u}/video" poster="{u}/poster" autoplay></video>
<audio src="{u}/audio" autoplay></audio><input type=image src="{u}/input">
<picture><source srcset="{u}/source"><img></picture>x"""
SCRIPT_CHANNELS = """<iframe src="{u}/iframe"></iframe>
<iframe sandbox=allow-scripts srcdoc="<script>fetch('{u}/srcdoc')</script>"></iframe>
<meta http-equiv=refresh content="0;url={u}/refresh"><a href="{u}/a" ping="{u}/ping" id=a></a>
<object data="{u}/object"></object><embed src="{u}/embed">
<form action="{u}/form" method=post target=f><input></form><iframe name=f></iframe>
<script type=speculationrules>{{"prefetch":[{{"source":"list","urls":["{u}/speculation"]}}]}}</script>
<script>
const tries = [
  () => fetch("{u}/fetch"), () => fetch("{u}/keep", {{method: "POST", keepalive: true, body: "x"}}),
  () => {{ const x = new XMLHttpRequest(); x.open("GET", "{u}/xhr"); x.send(); }},
  () => new WebSocket("ws://127.0.0.1:{p}/ws"), () => new EventSource("{u}/sse"),
  () => navigator.sendBeacon("{u}/beacon", "x"),
  () => new Worker(URL.createObjectURL(new Blob(["fetch('{u}/worker');new WebSocket('ws://127.0.0.1:{p}/wws')"]))),
  () => new SharedWorker(URL.createObjectURL(new Blob(["fetch('{u}/shared')"]))),
  () => window.open("{u}/open"), () => document.forms[0].submit(), () => import("{u}/module.js"),
  () => {{ const r = new RTCPeerConnection({{iceServers: [{{urls: "stun:127.0.0.1:{p}"}},
      {{urls: "turn:127.0.0.1:{p}?transport=tcp", username: "u", credential: "c"}}]}});
    r.createDataChannel("x"); r.createOffer().then((o) => r.setLocalDescription(o)); }},
  () => a.click(), () => navigator.serviceWorker.register("{u}/sw.js"),
  () => navigator.serviceWorker.register("/sw.js"),
  () => new Worker("{u}/worker.js"),
  () => new Worker(URL.createObjectURL(new Blob(["importScripts('{u}/import.js')"]))),
  () => new Audio("{u}/audio2").play(), () => {{ new Image().src = "{u}/image2"; }},
  () => new WebTransport("https://127.0.0.1:{p}/wt"), () => {{ location = "{u}/location"; }},
];
for (const attempt of tries) {{ try {{ const p = attempt(); p?.catch?.(() => 0); }} catch {{}} }}
pressline.ready(new Promise((done) => setTimeout(() => {{
  document.body.replaceChildren(); document.body.style.background = "#00ff00"; done(); }}, 1500)));
</script>"""
