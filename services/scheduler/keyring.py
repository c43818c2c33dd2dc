"""An account's API keys: made, listed, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pressline.account.v1 import account_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.common.scopes import Scope
from services.scheduler import audit, clock, keys
from services.scheduler.audit import AuditLog
from services.scheduler.keys import Vault
from services.scheduler.store.database import SCHEMA, Document
from services.scheduler.store.keys import Keys

MAX_KEYS = 1_000
MAX_NAME = 100
DEFAULT_GRACE_MS = clock.DAY_MS
LONGEST_GRACE_MS = 30 * clock.DAY_MS
_SCOPES: Mapping[account_pb2.Scope.ValueType, Scope] = {
    account_pb2.SCOPE_SUBMIT: Scope.SUBMIT,
    account_pb2.SCOPE_READ: Scope.READ,
    account_pb2.SCOPE_ADMIN: Scope.ADMIN,
}
_SCOPE_VALUES = {scope.value: value for value, scope in _SCOPES.items()}
_FORMS: Mapping[account_pb2.KeyForm.ValueType, str] = {
    account_pb2.KEY_FORM_UNSPECIFIED: keys.PK_LIVE,
    account_pb2.KEY_FORM_PK_LIVE: keys.PK_LIVE,
    account_pb2.KEY_FORM_PK_TEST: keys.PK_TEST,
    account_pb2.KEY_FORM_DK_LIVE_SK: keys.DK_LIVE_SK,
}


class KeyRing:
    """What the account service does with keys.

    Args:
        stored_keys: where their hashes are kept.
        vault: hashes them.
        log: told of every change.
    """

    def __init__(self, stored_keys: Keys, vault: Vault, log: AuditLog) -> None:
        self._keys = stored_keys
        self._vault = vault
        self._log = log

    async def all(self, account_id: str) -> list[account_pb2.Key]:
        """The keys that open an account now, newest first."""
        now = clock.now_ms()
        found = await self._keys.of_account(account_id)
        return [view(key) for key in found if is_open(key, now)]

    async def create(
        self, account_id: str, actor: str, request: account_pb2.CreateKeyRequest
    ) -> account_pb2.CreateKeyResponse:
        """Make a key and show it, this once."""
        violations = list(_violations(request))
        if violations:
            raise invalid(*violations)
        if len(await self._keys.of_account(account_id)) >= MAX_KEYS:
            raise PresslineError(Reason.CONFLICT, f"The account has {MAX_KEYS} keys; revoke one first.")
        scopes = [_SCOPES[scope].value for scope in request.scopes] or [scope.value for scope in Scope]
        wanted: Document = {"name": request.name, "form": _FORMS[request.form], "scopes": sorted(set(scopes))}
        if request.HasField("expire_time"):
            wanted["expires_ms"] = request.expire_time.ToMilliseconds()
        key_id = ids.new("key")
        await self._log.record(account_id, actor, audit.KEY_CREATED, key_id)
        return await self._insert(account_id, key_id, wanted)

    async def revoke(self, account_id: str, actor: str, key_id: str) -> None:
        """End a key; from the answer on it opens nothing."""
        await self._get(account_id, key_id)
        await self._log.record(account_id, actor, audit.KEY_REVOKED, key_id)
        await self._keys.delete(account_id, key_id)

    async def rotate(self, account_id: str, actor: str, key_id: str, grace_ms: int) -> account_pb2.CreateKeyResponse:
        """Make a key like another one, which ends after the grace period.

        Raises:
            PresslineError: NOT_FOUND; CONFLICT when it was rotated before.
        """
        if not 0 <= grace_ms <= LONGEST_GRACE_MS:
            raise invalid(Violation("grace_period", "is from 0 seconds to 30 days"))
        old = await self._get(account_id, key_id)
        if "replaced_by" in old:
            raise _rotated(key_id)
        await self._log.record(account_id, actor, audit.KEY_ROTATED, key_id)
        new_id, ends = ids.new("key"), clock.now_ms() + grace_ms
        kept: Document = {name: old[name] for name in ("name", "form", "scopes", "expires_ms") if name in old}
        answer = await self._insert(account_id, new_id, kept)
        if not await self._keys.replaced(account_id, key_id, new_id, min(ends, old.get("expires_ms", ends))):
            await self._keys.delete(account_id, new_id)
            raise _rotated(key_id)
        return answer

    async def _get(self, account_id: str, key_id: str) -> Document:
        key = await self._keys.get(account_id, key_id)
        if key is None or not is_open(key, clock.now_ms()):
            raise not_found("key", key_id)
        return key

    async def _insert(self, account_id: str, key_id: str, wanted: Document) -> account_pb2.CreateKeyResponse:
        api_key = keys.new_api_key(wanted["form"])
        key = {
            **wanted,
            "_id": self._vault.hash_key(api_key),
            "key_id": key_id,
            "account_id": account_id,
            "prefix": keys.shown_prefix(api_key, wanted["form"]),
            "created_ms": clock.now_ms(),
            "used_ms": 0,
            "schema": SCHEMA,
        }
        await self._keys.insert(key)
        return account_pb2.CreateKeyResponse(api_key=api_key, key=view(key))


def is_open(key: Document, now: int) -> bool:
    """Whether a stored key still opens its account."""
    return "expires_ms" not in key or bool(key["expires_ms"] > now)


def view(key: Document) -> account_pb2.Key:
    """A stored key as its owner sees it."""
    result = account_pb2.Key(
        id=key["key_id"],
        name=key["name"],
        prefix=key["prefix"],
        scopes=scopes_to_proto(key["scopes"]),
        create_time=clock.timestamp(key["created_ms"]),
    )
    if key["used_ms"]:
        result.last_use_time.FromMilliseconds(key["used_ms"])
    if "expires_ms" in key:
        result.expire_time.FromMilliseconds(key["expires_ms"])
    return result


def scopes_to_proto(scopes: Iterable[str]) -> list[account_pb2.Scope.ValueType]:
    """The contract's values of stored scopes."""
    return [_SCOPE_VALUES[scope] for scope in scopes]


def _violations(request: account_pb2.CreateKeyRequest) -> Iterator[Violation]:
    if len(request.name) > MAX_NAME:
        yield Violation("name", f"is longer than {MAX_NAME} characters")
    if request.form not in _FORMS:
        yield Violation("form", "is one of pk_live, pk_test and dk_live_sk")
    for index, scope in enumerate(request.scopes):
        if scope not in _SCOPES:
            yield Violation(f"scopes[{index}]", "is one of submit, read and admin")
    if request.HasField("expire_time") and request.expire_time.ToMilliseconds() <= clock.now_ms():
        yield Violation("expire_time", "is in the future")


def _rotated(key_id: str) -> PresslineError:
    return PresslineError(Reason.CONFLICT, f"The key {key_id!r} has been rotated already.")
