"""The secrets that sign an account's webhooks: one that is shown, and those that it replaced a short while ago."""

from __future__ import annotations

from pressline.webhook.v1 import webhook_pb2
from services.common.errors import PresslineError, Reason, not_found
from services.scheduler import audit, clock, keys
from services.scheduler.accounts import Caller
from services.scheduler.audit import AuditLog
from services.scheduler.keys import Vault
from services.scheduler.store.accounts import Accounts
from services.scheduler.store.database import Document

# How long a receiver has to learn the new secret.
OVERLAP_MS = clock.DAY_MS
# Each is one more signature on every webhook.
MAX_OLD = 3


class SigningSecrets:
    """Shows, uses and rotates an account's signing secrets."""

    def __init__(self, accounts: Accounts, vault: Vault, log: AuditLog) -> None:
        self._accounts = accounts
        self._vault = vault
        self._log = log

    async def show(self, caller: Caller) -> webhook_pb2.SigningSecret:
        """The newest secret, to its owner."""
        await self._log.record_reading(caller.account["_id"], caller.actor, audit.SECRET_SHOWN)
        return self._view(caller.account)

    async def rotate(self, caller: Caller) -> webhook_pb2.SigningSecret:
        """Start a new secret; the one before signs beside it for a day.

        Raises:
            PresslineError: CONFLICT, when this was done too often in the last day or is being done just now.
        """
        account, now = caller.account, clock.now_ms()
        old = [(account["webhook_secret"], now + OVERLAP_MS), *_still_signing(account, now)]
        if len(old) > MAX_OLD:
            message = f"{MAX_OLD} replaced secrets still sign; they do so for a day."
            raise PresslineError(Reason.CONFLICT, message, retry_after=(old[-1][1] - now) / 1000)
        await self._log.record(account["_id"], caller.actor, audit.SECRET_ROTATED)
        change = {
            "webhook_secret": self._vault.encrypt(keys.new_webhook_secret(), account["_id"]),
            "old_secrets": [secret for secret, _ in old],
            "old_until_ms": [until for _, until in old],
        }
        if not await self._accounts.rotate_secret(account, change):
            raise PresslineError(Reason.CONFLICT, "The secret is being rotated by another request.", retry_after=1)
        return self._view({**account, **change})

    async def of_account(self, account_id: str) -> list[str]:
        """Every secret that signs now, newest first.

        Raises:
            PresslineError: NOT_FOUND.
        """
        account = await self._accounts.get(account_id)
        if account is None:
            raise not_found("account", account_id)
        old = [secret for secret, _ in _still_signing(account, clock.now_ms())]
        return [self._vault.decrypt(secret, account_id) for secret in (account["webhook_secret"], *old)]

    def _view(self, account: Document) -> webhook_pb2.SigningSecret:
        result = webhook_pb2.SigningSecret(secret=self._vault.decrypt(account["webhook_secret"], account["_id"]))
        if old := _still_signing(account, clock.now_ms()):
            result.previous_expire_time.FromMilliseconds(old[0][1])
        return result


def _still_signing(account: Document, now: int) -> list[tuple[bytes, int]]:
    """Replaced secrets and until when they sign, newest first."""
    pairs = zip(account["old_secrets"], account["old_until_ms"], strict=True)
    return [(secret, until) for secret, until in pairs if until > now]
