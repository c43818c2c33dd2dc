"""The way out of a renderer, wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver

from pressline.account.v1.account_pb2 import EgressPolicy
from services.common.resolver import Resolver
from services.renderer.egress.cache import Cache
from services.renderer.egress.fetcher import Fetcher, Limits
from services.renderer.egress.gate import gate_of
from services.renderer.egress.item import ItemLimits, ItemResources
from services.renderer.egress.policy import WEB_PORTS, Mode, Policy
from services.renderer.egress.settings import EgressSettings

# The policy of accounts that were never given one.
EVERYTHING = EgressPolicy()


class Egress:
    """Loads what documents refer to.

    Args:
        cache: loads and keeps.
        limits: what each item may load.
        mode: what is open to any account.
    """

    def __init__(self, cache: Cache, limits: ItemLimits, mode: Mode) -> None:
        self._cache = cache
        self._limits = limits
        self._mode = mode

    def of(self, batch_id: str, policy: EgressPolicy = EVERYTHING) -> ItemResources:
        """The resources of one item of a batch.

        Args:
            batch_id: all of its items have the same policy.
            policy: the account's.
        """
        return ItemResources(batch_id, self._cache, self._limits, gate_of(policy, self._mode))


@asynccontextmanager
async def running_egress(
    settings: EgressSettings, resolver: AbstractResolver | None = None, ports: frozenset[int] = WEB_PORTS
) -> AsyncIterator[Egress]:
    """The way out that the settings open.

    Args:
        settings: what is open.
        resolver: instead of the system's.
        ports: where public addresses may be reached.
    """
    resolver = resolver or Resolver(settings.remote_connections)
    policy = Policy(settings.template_egress, settings.template_allow, ports)
    limits = Limits(settings.remote_bytes, settings.remote_seconds, settings.remote_connections)
    cache = Cache(Fetcher(policy, resolver, limits), settings.remote_cache_bytes)
    try:
        yield Egress(
            cache,
            ItemLimits(settings.remote_item_requests, settings.remote_item_bytes, settings.remote_item_seconds),
            settings.template_egress,
        )
    finally:
        await cache.close()
        await resolver.close()
