"""Callers of two gateways who never stop, and who take note of every request that fails."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

CALL_SECONDS = 60
# It is in flight for long enough that a process which stops has some.
SLOW = "<h1>{{name}}</h1><script>pressline.ready(new Promise((done) => setTimeout(done, 400)))</script>"
SIZE = {"format": "jpeg", "width": 160, "height": 100}
ITEMS = 4
ENDED = {"completed", "partial", "failed", "cancelled"}
REFUSED = 300
POLL_SECONDS = 0.1


class Caller:
    """One client of both gateways in turn, with connections that it keeps.

    A gateway that refuses the connection was sent nothing, so the other one is asked. Nothing else is tried again.

    Args:
        gateways: base URLs.
        key: the API key.
    """

    def __init__(self, gateways: tuple[str, ...], key: str) -> None:
        self.failures: list[str] = []
        self.requests = 0
        headers = {"Authorization": f"Bearer {key}"}
        self._clients = [
            httpx2.Client(base_url=url, headers=headers, timeout=CALL_SECONDS, trust_env=False) for url in gateways
        ]
        self._turn = itertools.count()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; None, and a failure noted, where there is no good answer."""
        self.requests += 1
        try:
            answer = self._send(method, path, body)
        except httpx2.TransportError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        if answer.status_code >= REFUSED:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text}")
            return None
        return answer.json() if answer.headers.get("content-type") == "application/json" else answer.text

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def _send(self, method: str, path: str, body: object) -> httpx2.Response:
        first = next(self._turn)
        one, other = self._clients[first % 2], self._clients[1 - first % 2]
        try:
            return one.request(method, path, json=body)
        except httpx2.ConnectError:
            return other.request(method, path, json=body)


class SteadyLoad:
    """What the callers did.

    Attributes:
        callers: everyone.
        batches: ids of the batches that were accepted.
        lost: batches that did not end as they should have.
    """

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.batches: list[str] = []
        self.lost: list[str] = []

    @property
    def failures(self) -> list[str]:
        """Requests that failed."""
        return [failure for caller in self.callers for failure in caller.failures]

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(caller.requests for caller in self.callers)

    def submit_and_read(self, caller: Caller) -> None:
        """Submit a batch and read about it until it has ended."""
        body = {
            "defaults": {"html": SLOW, "output": SIZE},
            "items": [{"data": {"name": f"{number}"}} for number in range(ITEMS)],
        }
        batch = caller.call("POST", "/v1/batches", body)
        if batch is None:
            return
        self.batches.append(batch["id"])
        while batch is not None and batch["status"] not in ENDED:
            time.sleep(POLL_SECONDS)
            batch = caller.call("GET", f"/v1/batches/{batch['id']}")
            caller.call("GET", "/v1/batches?limit=5")
        if batch is None or batch["completed"] != ITEMS:
            self.lost.append(str(batch))

    def submit_and_follow(self, caller: Caller) -> None:
        """Submit a batch and follow its events; a stream that its gateway ends is opened anew."""
        body = {"items": [{"html": SLOW, "data": {"name": "followed"}, "output": SIZE}]}
        batch = caller.call("POST", "/v1/batches", body)
        while batch is not None:
            events = caller.call("GET", f"/v1/batches/{batch['id']}/events")
            if events is None or "event: ended" in events:
                return

    def render_one(self, caller: Caller) -> None:
        """Have a single file rendered, and wait for it."""
        caller.call("POST", "/v1/generate", {"html": SLOW.replace("{{name}}", "alone")})

    def keep_templates(self, caller: Caller) -> None:
        """Store a template, read it and delete it."""
        template = caller.call("POST", "/templates", {"name": "card", "html": "<p>{{name}}", "width": 90, "height": 60})
        if template is not None:
            caller.call("GET", f"/templates/{template['uid']}/variables")
            caller.call("DELETE", f"/templates/{template['uid']}")
        caller.call("GET", "/v1/usage")


@contextmanager
def steady_load(gateways: tuple[str, ...], key: str) -> Iterator[SteadyLoad]:
    """Calls of all kinds until the end of the block, and until everything that was submitted has ended."""
    load, stop = SteadyLoad(), threading.Event()
    actions: list[Callable[[Caller], None]] = [
        load.submit_and_read,
        load.submit_and_read,
        load.submit_and_follow,
        load.render_one,
        load.keep_templates,
    ]
    load.callers = [Caller(gateways, key) for _ in actions]
    threads = [
        threading.Thread(target=_repeat, args=(action, caller, stop))
        for action, caller in zip(actions, load.callers, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for caller in load.callers:
            caller.close()


def _repeat(action: Callable[[Caller], None], caller: Caller, stop: threading.Event) -> None:
    while not stop.is_set():
        action(caller)
