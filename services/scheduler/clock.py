"""Time as it is stored: whole milliseconds since 1970, which every MongoDB-protocol server compares alike."""

from __future__ import annotations

import time

from google.protobuf.timestamp_pb2 import Timestamp

DAY_MS = 24 * 3600 * 1000


def now_ms() -> int:
    """The current time."""
    return time.time_ns() // 1_000_000


def timestamp(ms: int) -> Timestamp:
    """The contract's form of a stored time."""
    result = Timestamp()
    result.FromMilliseconds(ms)
    return result
