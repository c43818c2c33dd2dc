"""What each plan allows. 0 means no limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pressline.account.v1 import account_pb2


@dataclass(frozen=True)
class Limits:
    """The figures of one plan."""

    items_per_batch: int
    concurrent_batches: int
    requests_per_minute: int


_LIMITS = {
    "free": Limits(10, 1, 60),
    "pro": Limits(100, 3, 300),
    "business": Limits(1_000, 10, 1_000),
    "enterprise": Limits(10_000, 0, 10_000),
}
_PLANS = {
    "free": account_pb2.PLAN_FREE,
    "pro": account_pb2.PLAN_PRO,
    "business": account_pb2.PLAN_BUSINESS,
    "enterprise": account_pb2.PLAN_ENTERPRISE,
}
_NAMES = {plan: name for name, plan in _PLANS.items()}


class Plans:
    """The plans of this installation."""

    def __init__(self, enterprise_requests_per_minute: int) -> None:
        enterprise = replace(_LIMITS["enterprise"], requests_per_minute=enterprise_requests_per_minute)
        self._limits = {**_LIMITS, "enterprise": enterprise}

    def limits(self, plan: str) -> Limits:
        """The figures of a plan by its name."""
        return self._limits[plan]


def to_proto(plan: str) -> account_pb2.Plan.ValueType:
    """The contract's value of a plan."""
    return _PLANS[plan]


def from_proto(plan: account_pb2.Plan.ValueType) -> str | None:
    """The name of a plan; None for a value that is none."""
    return _NAMES.get(plan)
