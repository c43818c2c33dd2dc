"""Who is calling: keys, request windows and plans."""

from __future__ import annotations

import re

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError, Reason, Violation, invalid
from services.scheduler import clock, keys, plans
from services.scheduler.keys import Vault
from services.scheduler.plans import Plans
from services.scheduler.store.accounts import Accounts
from services.scheduler.store.database import Document

MINUTE_MS = 60_000
MAX_KEY_LENGTH = 200
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AccountDesk:
    """What the account and admission services do."""

    def __init__(self, accounts: Accounts, vault: Vault, installed: Plans) -> None:
        self._accounts = accounts
        self._vault = vault
        self._plans = installed

    async def of_key(self, api_key: str) -> Document:
        """The account that a key opens.

        Raises:
            PresslineError: UNAUTHORIZED, for any key that opens none.
        """
        if 0 < len(api_key) <= MAX_KEY_LENGTH:
            account_id = await self._accounts.account_of(self._vault.hash_key(api_key))
            account = account_id and await self._accounts.get(account_id)
            if account:
                return account
        raise PresslineError(Reason.UNAUTHORIZED, "The API key is missing or not valid.")

    async def admit(self, api_key: str) -> account_pb2.AdmitResponse:
        """Count a request against its key's window of one minute."""
        account = await self.of_key(api_key)
        minute = clock.now_ms() // MINUTE_MS
        count = await self._accounts.count_request(self._vault.hash_key(api_key), minute)
        limit = self._plans.limits(account["plan"]).requests_per_minute
        window = account_pb2.RateWindow(
            limit=limit, remaining=max(limit - count, 0), reset_unix=(minute + 1) * MINUTE_MS // 1000
        )
        return account_pb2.AdmitResponse(
            account_id=account["_id"], plan=plans.to_proto(account["plan"]), window=window, allowed=count <= limit
        )

    async def create_key(self, account_id: str, plan: account_pb2.Plan.ValueType) -> str:
        """Make a key; the account is created, or put on the plan."""
        name = plans.from_proto(plan)
        if name is None:
            raise invalid(Violation("plan", "is one of free, pro, business and enterprise"))
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise invalid(Violation("account_id", "has 1 to 64 letters, digits, '-' and '_'"))
        api_key, now = keys.new_api_key(), clock.now_ms()
        secret = self._vault.encrypt(keys.new_webhook_secret(), account_id)
        await self._accounts.ensure(account_id, name, secret, now)
        await self._accounts.add_key(self._vault.hash_key(api_key), account_id, now)
        return api_key

    def usage(self, account: Document) -> account_pb2.Usage:
        """The account's plan and what runs now."""
        limits = self._plans.limits(account["plan"])
        return account_pb2.Usage(
            account_id=account["_id"],
            plan=plans.to_proto(account["plan"]),
            limits=account_pb2.PlanLimits(
                items_per_batch=limits.items_per_batch,
                concurrent_batches=limits.concurrent_batches,
                requests_per_minute=limits.requests_per_minute,
            ),
            running_batches=account["running_count"],
        )
