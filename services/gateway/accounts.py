"""Routes about the account itself: its keys, its egress policy, its signing secret, its audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from pressline.account.v1 import account_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import PresslineError
from services.gateway.models.accounts import EgressBody, KeyBody, RotationBody
from services.gateway.models.answers.accounts import Account, AuditEvents, Egress, Keys, NewKey, RotatedSecret
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import Cursor, Limit
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.translate import accounts
from services.gateway.translate.paths import renamed

KeyId = Annotated[str, Path(description="Of the key, not the key itself.")]
routes = router()


@routes.get("/v1/account", response_model=Account)
async def get_account(scheduler: CallerScheduler) -> Response:
    """Read the account and the calling key."""
    found = await scheduler.call(scheduler.stubs.accounts.GetAccount, account_pb2.GetAccountRequest())
    return Json(accounts.account(found))


@routes.put("/v1/account/egress", response_model=Egress)
async def set_egress_policy(body: EgressBody, scheduler: CallerScheduler) -> Response:
    """Say what the account's documents may load from elsewhere, in batches submitted from then on."""
    try:
        changed = await scheduler.call(scheduler.stubs.accounts.SetEgressPolicy, accounts.egress_request(body))
    except PresslineError as error:
        raise renamed(error, accounts.RENAMES) from error
    return Json(accounts.egress(changed.egress))


@routes.get("/v1/keys", response_model=Keys)
async def list_keys(scheduler: CallerScheduler) -> Response:
    """List the keys that open the account, newest first."""
    listed = await scheduler.call(scheduler.stubs.accounts.ListKeys, account_pb2.ListKeysRequest())
    return Json({"data": [accounts.key(each) for each in listed.keys], "next_cursor": None})


@routes.post("/v1/keys", status_code=201, response_model=NewKey, responses=refusals(409))
async def create_key(body: KeyBody, scheduler: CallerScheduler) -> Response:
    """Make a key. It is shown here and never again."""
    try:
        made = await scheduler.call(scheduler.stubs.accounts.CreateKey, accounts.key_request(body))
    except PresslineError as error:
        raise renamed(error, accounts.RENAMES) from error
    return Json(accounts.new_key(made), 201)


@routes.delete("/v1/keys/{key_id}", status_code=204)
async def revoke_key(key_id: KeyId, scheduler: CallerScheduler) -> Response:
    """End a key at once."""
    await scheduler.call(scheduler.stubs.accounts.RevokeKey, account_pb2.RevokeKeyRequest(key_id=key_id))
    return Response(status_code=204)


@routes.post("/v1/keys/{key_id}:rotate", status_code=201, response_model=NewKey, responses=refusals(409))
async def rotate_key(key_id: KeyId, scheduler: CallerScheduler, body: RotationBody | None = None) -> Response:
    """Make a key that takes this one's place, which works on for `grace_seconds`, a day unless given."""
    request = accounts.rotate_request(key_id, body.grace_seconds if body else None)
    return Json(accounts.new_key(await scheduler.call(scheduler.stubs.accounts.RotateKey, request)), 201)


@routes.get("/v1/audit", response_model=AuditEvents)
async def list_audit_events(scheduler: CallerScheduler, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """List what was done with keys, plan, egress, signing secret and assets in the last 90 days, newest first."""
    request = account_pb2.ListAuditEventsRequest(page_size=limit, page_token=cursor)
    return Json(accounts.audit(await scheduler.call(scheduler.stubs.accounts.ListAuditEvents, request)))


@routes.post("/v1/webhooks/secret:rotate", response_model=RotatedSecret, responses=refusals(409))
async def rotate_signing_secret(scheduler: CallerScheduler) -> Response:
    """Start a new signing secret; the one before signs beside it for a day."""
    request = webhook_pb2.RotateSigningSecretRequest()
    return Json(accounts.secret(await scheduler.call(scheduler.stubs.webhooks.RotateSigningSecret, request)))
