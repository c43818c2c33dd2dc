"""What each plan allows. 0 means no limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pressline.account.v1 import account_pb2


@dataclass(frozen=True)
class Limits:
    """The figures of one plan."""

    items_per_batch: int
    concurrent_batches: int
    requests_per_minute: int
    renders_per_month: int = 0


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
    """The plans of this installation.

    Args:
        enterprise_requests_per_minute: the only request limit that is not fixed.
        renders_per_month: by plan; 0 means no limit.
    """

    def __init__(self, enterprise_requests_per_minute: int, renders_per_month: Mapping[str, int]) -> None:
        self._limits = {name: replace(_LIMITS[name], renders_per_month=renders_per_month[name]) for name in _LIMITS}
        enterprise = self._limits["enterprise"]
        self._limits["enterprise"] = replace(enterprise, requests_per_minute=enterprise_requests_per_minute)

    def limits(self, plan: str) -> Limits:
        """The figures of a plan by its name."""
        return self._limits[plan]


def limits_to_proto(limits: Limits) -> account_pb2.PlanLimits:
    """The contract's form of a plan's figures."""
    return account_pb2.PlanLimits(
        items_per_batch=limits.items_per_batch,
        concurrent_batches=limits.concurrent_batches,
        requests_per_minute=limits.requests_per_minute,
        renders_per_month=limits.renders_per_month,
    )


def to_proto(plan: str) -> account_pb2.Plan.ValueType:
    """The contract's value of a plan."""
    return _PLANS[plan]


def from_proto(plan: account_pb2.Plan.ValueType) -> str | None:
    """The name of a plan; None for a value that is none."""
    return _NAMES.get(plan)
