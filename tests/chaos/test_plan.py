"""Plans of faults, and recovery times."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.injector import Injected
from tests.chaos.plan import Action, Fault, Kind, Scale, drawn
from tests.chaos.report import recoveries


@pytest.mark.parametrize(("duration", "least"), [(30, 17), (300, 60), (600, 100)])
def test_every_kind_of_fault_comes_about_equally_often(duration: float, least: int) -> None:
    kinds = Scale.of(duration).kinds()
    faults = drawn(7, duration, kinds)
    times = Counter(fault.kind.name for fault in faults)
    assert len(faults) >= least
    assert set(times) == {kind.name for kind in kinds}
    assert max(times.values()) - min(times.values()) <= 1
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[-1].at <= duration


def test_a_seed_draws_the_same_faults_again() -> None:
    kinds = Scale.of(600).kinds()
    assert drawn(1, 600, kinds) == drawn(1, 600, kinds) != drawn(2, 600, kinds)


def test_a_long_run_pauses_renderers_for_longer_than_the_lease() -> None:
    for duration in (30, 600):
        scale = Scale.of(duration)
        pauses = [kind.seconds for kind in scale.kinds() if kind.name == "pause renderer past its lease"]
        assert pauses[0] > scale.lease_seconds


def test_recovery_is_the_time_until_the_next_item_completes() -> None:
    kill, reset = Kind("kill", Action.KILL, ("a",)), Kind("reset", Action.RESET, ("b",))
    injected = [Injected(Fault(0, kind, "a"), at) for kind, at in ((kill, 1_000), (reset, 2_000), (kill, 9_000))]
    assert recoveries(injected, [8_500, 500, 2_500, 1_200]) == {"kill": [0.2], "reset": [0.5]}
