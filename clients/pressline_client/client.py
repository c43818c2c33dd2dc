"""The client: one object per service and key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from pressline_client.account import Events, Keys, Subscriptions
from pressline_client.account_models import Egress, EgressMode
from pressline_client.archives import Archives
from pressline_client.assets import Assets
from pressline_client.batches import Batches
from pressline_client.downloads import Downloaded, download
from pressline_client.generations import Generations
from pressline_client.models import Usage
from pressline_client.templates import Templates
from pressline_client.transport import TIMEOUT, Transport


class Client:
    """Talks to one Pressline service with one API key. Safe to share between threads; close it when done.

    Every call has a timeout. Calls that were refused for the moment (429, 502, 503, 504) or did not get through are
    repeated a few times with growing pauses, or after the pause that the service asks for; creating calls carry an
    idempotency key, so that repeating them creates nothing twice.

    Args:
        base_url: e.g. `http://127.0.0.1:8080`.
        api_key: the key alone.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self._transport = Transport(base_url, api_key)
        # Files come from object storage under signed addresses, which must not see the key.
        self._files = httpx2.Client(timeout=TIMEOUT, follow_redirects=True)
        self.batches = Batches(self._transport)
        self.archives = Archives(self._transport)
        self.assets = Assets(self._transport)
        self.templates = Templates(self._transport)
        self.generations = Generations(self._transport)
        self.keys = Keys(self._transport)
        self.subscriptions = Subscriptions(self._transport)
        self.events = Events(self._transport)

    def usage(self) -> Usage:
        """The account, its plan and its limits."""
        return Usage.model_validate(self._transport.get("/v1/usage"))

    def egress(self) -> Egress:
        """What the account's documents may load from elsewhere."""
        return Egress.model_validate(self._transport.get("/v1/account")["egress"])

    def set_egress(self, mode: EgressMode, hosts: Sequence[str] = ()) -> Egress:
        """Say what they may load, in batches submitted from then on; needs the scope `admin`.

        Args:
            mode: all that the installation lets documents load, or less.
            hosts: with `allowlist`, all hosts that they may load from, such as `cdn.example.com` and `*.example.com`.
        """
        return Egress.model_validate(self._transport.put("/v1/account/egress", {"mode": mode, "hosts": list(hosts)}))

    def webhook_secret(self) -> str:
        """The account's signing secret (`whsec_…`), for `verify_webhook`."""
        return str(self._transport.get("/v1/webhooks/secret")["secret"])

    def download(self, url: str, path: str | Path, *, sha256: str | None = None) -> Downloaded:
        """Stream a file to `path`, which appears only once it is whole.

        Args:
            url: an item's `url`.
            path: where to; an existing file is replaced.
            sha256: what the file must be; anything else counts as a broken download.

        Raises:
            DownloadError: when it cannot be fetched whole after a few tries.
        """
        return download(self._files, url, Path(path), sha256)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
