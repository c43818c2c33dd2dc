"""What event streams are made of, without I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.addresses import AllowList
from services.gateway import sse
from services.scheduler import model, receivers
from services.scheduler.model import Counts

SMALL = st.integers(0, 50)
NONE = AllowList()


@pytest.mark.parametrize(
    ("header", "revision"),
    [(None, 0), ("", 0), ("17", 17), ("-1", 0), ("1.5", 0), ("abc", 0), ("9" * 16, 0), ("\u0663", 0), ("\u00b2", 0)],
)
def test_a_last_event_id_that_no_event_had_is_none(header: str | None, revision: int) -> None:
    assert sse.seen_revision(header) == revision


@given(st.lists(st.sampled_from(["item", "start", "cancel", "end"]), max_size=30))
def test_a_revision_grows_with_every_change(changes: list[str]) -> None:
    ended, flags, seen = 0, {"start": False, "cancel": False, "end": False}, []
    for change in ["", *changes]:
        if change == "item":
            ended += 1
        elif change and flags[change]:
            continue
        elif change:
            flags[change] = True
        counts = Counts(100, succeeded=ended)
        seen.append(model.revision(counts, started=flags["start"], cancel_requested=flags["cancel"], over=flags["end"]))
    assert seen == list(range(1, len(seen) + 1))


@given(SMALL, SMALL, SMALL)
def test_a_revision_counts_every_way_to_end(succeeded: int, failed: int, cancelled: int) -> None:
    counts = Counts(200, succeeded, failed, cancelled)
    found = model.revision(counts, started=False, cancel_requested=False, over=False)
    assert found == 1 + succeeded + failed + cancelled


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?x=1",
        "http://hooks.example.com:8443",
        "https://93.184.216.34/hook",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://internal-name/hook",
    ],
)
def test_receivers_that_may_be_public_are_accepted(url: str) -> None:
    assert receivers.fault(url, NONE) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com",
        "https://",
        "https://exa mple.com",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://me@example.com/",
        "https://example.com/" + "x" * receivers.MAX_CHARACTERS,
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://10.1.2.3:8080/",
        "http://[::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
    ],
)
def test_receivers_that_cannot_be_meant_are_refused(url: str) -> None:
    assert receivers.fault(url, NONE)


def test_what_the_operator_allows_is_accepted() -> None:
    allow = AllowList.parse("10.0.0.0/8,127.0.0.1:9999")
    assert receivers.fault("http://10.1.2.3/hook", allow) is None
    assert receivers.fault("http://127.0.0.1:9999/hook", allow) is None
    assert receivers.fault("http://127.0.0.1:9998/hook", allow)
