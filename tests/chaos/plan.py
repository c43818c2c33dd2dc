"""Which faults come when: drawn from a seed, so that a run can be repeated. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

RENDERERS = ("renderer-1", "renderer-2")
LINKS = (
    "scheduler-mongodb",
    "scheduler-nats",
    "scheduler-s3",
    "renderer-nats",
    "renderer-s3",
    "renderer-internal",
    "notifier-nats",
    "notifier-internal",
    "gateway-scheduler",
    "gateway-internal",
)
# Neither so rare that little happens, nor so frequent that nothing gets done in between.
LONGEST_GAP_SECONDS = 5.0
# The defaults are kept where there is time for them; a short run cannot wait for leases of 45 seconds.
SHORT_RUN_SECONDS = 240.0


class Action(Enum):
    """What is done to a target."""

    KILL = "SIGKILL"
    PAUSE = "SIGSTOP, later SIGCONT"
    RESET = "connections reset"
    BLACK_HOLE = "nothing passes"
    LATENCY = "500 ms each way"
    REFUSE = "writes refused"


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: its name in the report.
        action: what is done.
        targets: one of which it is done to: processes, connections, or servers.
        seconds: how long it lasts; 0 for what happens in a moment.
    """

    name: str
    action: Action
    targets: tuple[str, ...]
    seconds: float = 0


@dataclass(frozen=True)
class Fault:
    """One fault of a run.

    Attributes:
        at: seconds since the run began.
        kind: what kind.
        target: what it is done to.
    """

    at: float
    kind: Kind
    target: str


@dataclass(frozen=True)
class Scale:
    """What depends on how long a run is.

    Attributes:
        lease_seconds: how long a renderer holds an item.
        delivery_pause: how long a notifier is paused.
        database_seconds: how long the database refuses writes.
        outage_seconds: how long the other outages last.
    """

    lease_seconds: float
    delivery_pause: float
    database_seconds: float
    outage_seconds: float

    @classmethod
    def of(cls, duration: float) -> Scale:
        """For a run of so many seconds."""
        # Leases are extended every 10 s, so a shorter one would end under a healthy renderer.
        return cls(12, 8, 6, 3) if duration < SHORT_RUN_SECONDS else cls(45, 65, 20, 8)

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind of fault there is."""
        return (
            *(Kind(f"kill {name}", Action.KILL, (name,)) for name in ("gateway", "scheduler", "notifier")),
            Kind("kill renderer", Action.KILL, RENDERERS),
            Kind("kill Chromium", Action.KILL, tuple(f"{name}/chromium" for name in RENDERERS)),
            *(Kind(f"kill {name}", Action.KILL, (name,)) for name in ("nats", "mongodb", "s3")),
            Kind("pause renderer past its lease", Action.PAUSE, RENDERERS, self.lease_seconds + 4),
            Kind("pause scheduler", Action.PAUSE, ("scheduler",), self.outage_seconds),
            Kind("pause gateway", Action.PAUSE, ("gateway",), self.outage_seconds),
            Kind("pause notifier", Action.PAUSE, ("notifier",), self.delivery_pause),
            Kind("connections reset", Action.RESET, LINKS),
            Kind("black hole", Action.BLACK_HOLE, LINKS, self.outage_seconds),
            Kind("latency of 500 ms", Action.LATENCY, LINKS, self.outage_seconds),
            Kind("object store full", Action.REFUSE, ("s3",), self.outage_seconds),
            Kind("database refuses writes", Action.REFUSE, ("mongodb",), self.database_seconds),
        )


def drawn(seed: int, duration: float, kinds: Sequence[Kind]) -> list[Fault]:
    """The faults of a run in order of time: every kind before any comes again, each round in an order of its own.

    Args:
        seed: the same seed draws the same faults.
        duration: seconds in which they begin.
        kinds: what to draw from.
    """
    chance = random.Random(seed)
    gap = min(LONGEST_GAP_SECONDS, duration / len(kinds))
    count = max(len(kinds), int(duration / gap))
    order: list[Kind] = []
    while len(order) < count:
        order += chance.sample(kinds, len(kinds))
    # Jitter, so that faults meet the work at all of its steps, and now and then each other.
    return [
        Fault(gap * (i + chance.random()), kind, chance.choice(kind.targets)) for i, kind in enumerate(order[:count])
    ]
