"""A webhook receiver on this machine: what an application that gets Pressline's webhooks does."""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from pressline_client import Client, verify_webhook

LARGEST_BODY_BYTES = 1 << 20


class Receiver:
    """Listens on a free port while its context is open, and keeps what it is sent."""

    def __init__(self) -> None:
        received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue(maxsize=100)
        self._received = received

        class Handler(BaseHTTPRequestHandler):
            timeout = 15

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                if length > LARGEST_BODY_BYTES:
                    self.send_error(413)
                    return
                received.put_nowait((dict(self.headers.items()), self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing: the demo speaks."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/webhooks"

    def verified_event(self, api: str, key: str, seconds: float) -> dict[str, Any]:
        """The next webhook, once its signature has been checked with the account's secret.

        Raises:
            WebhookError: it was not signed by the service.
            SystemExit: none came in time.
        """
        with Client(api, key) as client:
            secret = client.webhook_secret()
        try:
            headers, body = self._received.get(timeout=seconds)
        except queue.Empty:
            raise SystemExit(f"No webhook came within {seconds:g} seconds.") from None
        return verify_webhook(headers, body, secret)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
