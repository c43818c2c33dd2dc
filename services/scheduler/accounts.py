"""Who is calling, and what the account may do: keys, request windows, plans."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.common.scopes import Scope, forbidden
from services.scheduler import audit, clock, egress, keyring, keys, plans
from services.scheduler.audit import AuditLog
from services.scheduler.keys import Vault
from services.scheduler.plans import Plans
from services.scheduler.store.accounts import Accounts
from services.scheduler.store.database import Document
from services.scheduler.store.keys import Keys
from services.scheduler.usage import Meter

MINUTE_MS = 60_000
MAX_KEY_LENGTH = 200
KNOWN_KEYS = 10_000
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Caller:
    """An account and the key that opened it; no key when an operator acts for the account."""

    account: Document
    key: Document | None = None

    @property
    def actor(self) -> str:
        """Who acts, for the audit log."""
        return audit.OPERATOR if self.key is None else str(self.key["key_id"])

    def require(self, scope: Scope) -> None:
        """Raise FORBIDDEN when the key lacks a scope."""
        if self.key is not None and scope.value not in self.key["scopes"]:
            raise forbidden(scope)


class AccountDesk:
    """What the account and admission services do, keys aside."""

    def __init__(
        self, accounts: Accounts, stored_keys: Keys, vault: Vault, installed: Plans, meter: Meter, log: AuditLog
    ) -> None:
        self._accounts = accounts
        self._keys = stored_keys
        self._vault = vault
        self._plans = installed
        self._meter = meter
        self._log = log
        # Whose a key is never changes; whether it still opens anything is asked every time.
        self._owners: dict[str, str] = {}

    async def of_key(self, api_key: str) -> Caller:
        """The account that a key opens. The key's use is noted, once a minute.

        Raises:
            PresslineError: UNAUTHORIZED, for any key that opens none.
        """
        now = clock.now_ms()
        if 0 < len(api_key) <= MAX_KEY_LENGTH:
            key, account = await self._key_and_account(self._vault.hash_key(api_key))
            if key is not None and account is not None and keyring.is_open(key, now):
                await self._note_use(key, now)
                return Caller(account, key)
        raise PresslineError(Reason.UNAUTHORIZED, "The API key is missing or not valid.")

    async def of_id(self, account_id: str) -> Caller:
        """An account by its id, for operators.

        Raises:
            PresslineError: NOT_FOUND.
        """
        account = await self._accounts.get(account_id)
        if account is None:
            raise not_found("account", account_id)
        return Caller(account)

    async def admit(self, api_key: str) -> account_pb2.AdmitResponse:
        """Count a request against its account's window of one minute, whichever of its keys it came with."""
        caller = await self.of_key(api_key)
        plan = caller.account["plan"]
        minute = clock.now_ms() // MINUTE_MS
        count = await self._accounts.count_request(caller.account["_id"], minute)
        limit = self._plans.limits(plan).requests_per_minute
        window = account_pb2.RateWindow(
            limit=limit, remaining=max(limit - count, 0), reset_unix=(minute + 1) * MINUTE_MS // 1000
        )
        return account_pb2.AdmitResponse(
            account_id=caller.account["_id"],
            plan=plans.to_proto(plan),
            window=window,
            allowed=count <= limit,
            scopes=keyring.scopes_to_proto(caller.key["scopes"] if caller.key else ()),
        )

    async def open(self, account_id: str, plan: account_pb2.Plan.ValueType) -> Document:
        """An operator's account, made if it is new, and on the plan from now on."""
        name = _plan_name(plan)
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise invalid(Violation("account_id", "has 1 to 64 letters, digits, '-' and '_'"))
        account = await self._accounts.get(account_id)
        if account is None:
            secret = self._vault.encrypt(keys.new_webhook_secret(), account_id)
            await self._accounts.ensure(account_id, name, secret, clock.now_ms())
            return (await self.of_id(account_id)).account
        return await self._put_on(account, name)

    async def set_plan(self, account_id: str, plan: account_pb2.Plan.ValueType) -> account_pb2.Account:
        """Put an existing account on a plan."""
        name = _plan_name(plan)
        caller = await self.of_id(account_id)
        return self.view(Caller(await self._put_on(caller.account, name)))

    async def set_egress(self, caller: Caller, policy: account_pb2.EgressPolicy) -> account_pb2.Account:
        """Say what the account's documents may load from elsewhere, in batches submitted from now on."""
        faults = list(egress.violations(policy, "egress"))
        if faults:
            raise invalid(*faults)
        changed = {**caller.account, **egress.field_of(policy)}
        if egress.of(changed) != egress.of(caller.account):
            told = egress.sentence(egress.of(changed))
            await self._log.record(changed["_id"], caller.actor, audit.EGRESS_CHANGED, told)
            await self._accounts.set_egress(changed["_id"], egress.copied(changed))
        return self.view(replace(caller, account=changed))

    def view(self, caller: Caller) -> account_pb2.Account:
        """The account as its owner sees it."""
        account = caller.account
        return account_pb2.Account(
            id=account["_id"],
            plan=plans.to_proto(account["plan"]),
            limits=plans.limits_to_proto(self._plans.limits(account["plan"])),
            create_time=clock.timestamp(account["created_ms"]),
            key=None if caller.key is None else keyring.view(caller.key),
            egress=egress.of(account),
        )

    async def usage(self, account: Document) -> account_pb2.Usage:
        """The account's plan, what runs now, and this month's renders."""
        return account_pb2.Usage(
            account_id=account["_id"],
            plan=plans.to_proto(account["plan"]),
            limits=plans.limits_to_proto(self._plans.limits(account["plan"])),
            running_batches=account["running_count"],
            monthly_use=await self._meter.month(account["_id"]),
        )

    async def _put_on(self, account: Document, plan: str) -> Document:
        if account["plan"] != plan:
            await self._log.record(account["_id"], audit.OPERATOR, audit.PLAN_CHANGED, plan)
            await self._accounts.set_plan(account["_id"], plan)
        return {**account, "plan": plan}

    async def _key_and_account(self, key_hash: str) -> tuple[Document | None, Document | None]:
        """A key and what it opens, read side by side where the key is known."""
        if owner := self._owners.get(key_hash):
            return await asyncio.gather(self._keys.by_hash(key_hash), self._accounts.get(owner))
        key = await self._keys.by_hash(key_hash)
        if key is None:
            return None, None
        if len(self._owners) >= KNOWN_KEYS:
            self._owners.clear()
        self._owners[key_hash] = key["account_id"]
        return key, await self._accounts.get(key["account_id"])

    async def _note_use(self, key: Document, now: int) -> None:
        if key["used_ms"] < now - MINUTE_MS:
            await self._keys.used(key["_id"], now, now - MINUTE_MS)


def _plan_name(plan: account_pb2.Plan.ValueType) -> str:
    name = plans.from_proto(plan)
    if name is None:
        raise invalid(Violation("plan", "is one of free, pro, business and enterprise"))
    return name
