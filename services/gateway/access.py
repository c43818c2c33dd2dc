"""Which scopes a key needs for each route. Checked before the body is read; the scheduler checks each call again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from fastapi.routing import APIRoute

from services.common.scopes import Scope, forbidden

_SUBMIT, _READ, _ADMIN = (Scope.SUBMIT,), (Scope.READ,), (Scope.ADMIN,)
# Creates something and answers with what became of it.
_SUBMIT_AND_READ = (Scope.SUBMIT, Scope.READ)

ROUTES: Mapping[str, tuple[Scope, ...]] = {
    # Pictify.
    "POST /templates": _SUBMIT,
    "GET /templates": _READ,
    "GET /templates/{uid}": _READ,
    "PUT /templates/{uid}": _SUBMIT,
    "DELETE /templates/{uid}": _SUBMIT,
    "GET /templates/{uid}/variables": _READ,
    "POST /templates/{uid}/render": _SUBMIT_AND_READ,
    "POST /templates/{uid}/batch-render": _SUBMIT,
    "GET /templates/batch/{batch_id}/results": _READ,
    "POST /templates/batch/{batch_id}/cancel": _SUBMIT,
    "POST /webhook-subscriptions": _ADMIN,
    "GET /webhook-subscriptions": _ADMIN,
    "DELETE /webhook-subscriptions/{subscription_id}": _ADMIN,
    # Deckle.
    "POST /v1/generate": _SUBMIT_AND_READ,
    "POST /v1/generate/batch": _SUBMIT,
    "GET /v1/generations": _READ,
    "GET /v1/generations/{generation_id}": _READ,
    "POST /v1/templates": _SUBMIT,
    "GET /v1/templates": _READ,
    "GET /v1/templates/{template_id}": _READ,
    "PUT /v1/templates/{template_id}": _SUBMIT,
    "DELETE /v1/templates/{template_id}": _SUBMIT,
    "GET /v1/usage": _READ,
    # Native.
    "POST /v1/batches": _SUBMIT,
    "GET /v1/batches": _READ,
    "GET /v1/batches/{batch_id}": _READ,
    "DELETE /v1/batches/{batch_id}": _SUBMIT,
    "GET /v1/batches/{batch_id}/items": _READ,
    "GET /v1/batches/{batch_id}/events": _READ,
    "GET /v1/batches/{batch_id}/deliveries": _READ,
    "POST /v1/batches/{batch_id}:cancel": _SUBMIT,
    "POST /v1/batches/{batch_id}:retry": _SUBMIT,
    "POST /v1/batches/{batch_id}:archive": _SUBMIT_AND_READ,
    "GET /v1/archives/{archive_id}": _READ,
    "POST /v1/assets": _SUBMIT,
    "GET /v1/assets": _READ,
    "GET /v1/assets/{asset_id}": _READ,
    "GET /v1/assets/{asset_id}/content": _READ,
    "DELETE /v1/assets/{asset_id}": _SUBMIT,
    "GET /v1/events": _READ,
    "POST /v1/deliveries/{delivery_id}:resend": _SUBMIT,
    "GET /v1/account": _READ,
    "PUT /v1/account/egress": _ADMIN,
    "GET /v1/keys": _ADMIN,
    "POST /v1/keys": _ADMIN,
    "DELETE /v1/keys/{key_id}": _ADMIN,
    "POST /v1/keys/{key_id}:rotate": _ADMIN,
    "GET /v1/audit": _ADMIN,
    "GET /v1/webhooks/secret": _ADMIN,
    "POST /v1/webhooks/secret:rotate": _ADMIN,
}


_PARAMETER = re.compile(r"\{\w+\}")


def methods_at(path: str) -> list[str]:
    """The methods that a path takes; none for a path that is not listed here.

    Of several templates that fit, the one with the most letters of its own counts: `{id}:cancel`, and not `{id}`.
    """
    fitting = [(method, template) for method, template, pattern in _PATTERNS if pattern.fullmatch(path)]
    best = max((_literal(template) for _, template in fitting), default=0)
    return sorted(method for method, template in fitting if _literal(template) == best)


def needed(route: APIRoute) -> tuple[Scope, ...]:
    """The scopes of a route. One that nobody has listed needs all of them."""
    listed = (ROUTES.get(f"{method} {route.path}") for method in route.methods or ())
    return next((scopes for scopes in listed if scopes is not None), tuple(Scope))


def require(scopes: Collection[Scope], held: Collection[Scope]) -> None:
    """Raise FORBIDDEN, naming the first scope that is not held."""
    for scope in scopes:
        if scope not in held:
            raise forbidden(scope)


def _literal(template: str) -> int:
    return len(_PARAMETER.sub("", template))


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, _PARAMETER.split(template))))


_PATTERNS = [(method, template, _pattern(template)) for method, template in map(str.split, ROUTES)]
