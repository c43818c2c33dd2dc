"""What an account's documents may load from elsewhere: kept with the account, and copied into each batch at submit.

A batch keeps its copy, so that all of its items are made alike and renderers may keep what they loaded for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pressline.account.v1.account_pb2 import (
    EGRESS_MODE_ALLOWLIST,
    EGRESS_MODE_NONE,
    EGRESS_MODE_PUBLIC,
    EgressMode,
    EgressPolicy,
)
from services.common import remote_hosts
from services.common.errors import Violation
from services.scheduler.store.database import Document

NAMES: Mapping[EgressMode.ValueType, str] = {
    EGRESS_MODE_PUBLIC: "public",
    EGRESS_MODE_ALLOWLIST: "allowlist",
    EGRESS_MODE_NONE: "none",
}
MOST_TOLD = 1_000
_FIELD = "egress"


def violations(policy: EgressPolicy, path: str) -> Iterator[Violation]:
    """What is wrong with a policy that an account is to have."""
    if policy.mode not in NAMES:
        yield Violation(f"{path}.mode", "is one of public, allowlist and none")
    listed = policy.mode == EGRESS_MODE_ALLOWLIST
    if policy.hosts and policy.mode in NAMES and not listed:
        yield Violation(f"{path}.hosts", "is only for the mode allowlist")
    if listed and not 1 <= len(policy.hosts) <= remote_hosts.MAX_HOSTS:
        yield Violation(f"{path}.hosts", f"has 1 to {remote_hosts.MAX_HOSTS} entries; for none the mode is none")
    for index, host in enumerate(policy.hosts[: remote_hosts.MAX_HOSTS]):
        if remote_hosts.canonical(host) is None:
            yield Violation(f"{path}.hosts[{index}]", remote_hosts.NOT_A_HOST)


def field_of(policy: EgressPolicy) -> Document:
    """The field of an account's document that holds a policy without violations."""
    hosts = dict.fromkeys(filter(None, map(remote_hosts.canonical, policy.hosts)))
    return {_FIELD: EgressPolicy(mode=policy.mode, hosts=hosts).SerializeToString()}


def copied(account: Document) -> Document:
    """The field of a batch's document that holds the policy which its account has now."""
    return {_FIELD: account[_FIELD]} if _FIELD in account else {}


def of(stored: Document) -> EgressPolicy:
    """The policy of a stored account or batch; where none was ever set, everything."""
    return EgressPolicy.FromString(stored[_FIELD]) if _FIELD in stored else EgressPolicy(mode=EGRESS_MODE_PUBLIC)


def sentence(policy: EgressPolicy) -> str:
    """A policy for the audit log, of bounded length."""
    told = " ".join([NAMES[policy.mode], *policy.hosts])
    return told if len(told) <= MOST_TOLD else told[: MOST_TOLD - 1] + "…"
