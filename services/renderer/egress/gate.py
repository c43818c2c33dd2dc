"""What the documents of one account may ask for, of what the installation lets any document load. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pressline.account.v1.account_pb2 import (
    EGRESS_MODE_ALLOWLIST,
    EGRESS_MODE_PUBLIC,
    EGRESS_MODE_UNSPECIFIED,
    EgressPolicy,
)
from services.common.remote_hosts import HostList
from services.renderer.egress.addresses import judged
from services.renderer.egress.policy import Mode
from services.renderer.egress.resource import NotLoadedError

INSTALLATION_CLOSED = "documents load nothing from elsewhere here"
ACCOUNT_CLOSED = "the account's documents load nothing from elsewhere"
NOT_LISTED = "its host is not on the account's list"
# Schedulers from before there were policies name none.
_OPEN = (EGRESS_MODE_UNSPECIFIED, EGRESS_MODE_PUBLIC)


@dataclass(frozen=True)
class Gate:
    """Judges addresses before they are looked up, or looked for among what is kept.

    Attributes:
        closed: why nothing may be asked for; empty where something may.
        hosts: the only ones that may be asked; None for all.
    """

    closed: str = ""
    hosts: HostList | None = None

    def check(self, url: str) -> None:
        """Refuse an address; where a redirect leads is another one.

        Raises:
            NotLoadedError: it may not be asked for.
        """
        if self.closed:
            raise NotLoadedError(self.closed)
        if self.hosts is not None and not self.hosts.lists(judged(url).raw_host or ""):
            raise NotLoadedError(NOT_LISTED)


def gate_of(policy: EgressPolicy, installed: Mode) -> Gate:
    """The gate of an account's policy. A mode that this version does not know opens nothing."""
    if installed is Mode.NONE:
        return Gate(INSTALLATION_CLOSED)
    if policy.mode in _OPEN:
        return Gate()
    return Gate(hosts=HostList.of(policy.hosts)) if policy.mode == EGRESS_MODE_ALLOWLIST else Gate(ACCOUNT_CLOSED)
