"""What API keys may be used for, and which public method needs what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from services.common.errors import PresslineError, Reason


class Scope(StrEnum):
    """A right that a key has or has not. The values are public."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


_OF_SERVICE: Mapping[str, Mapping[str, Scope]] = {
    "pressline.archive.v1.ArchiveService": {
        "CreateArchive": Scope.SUBMIT,
        "GetArchive": Scope.READ,
    },
    "pressline.account.v1.AccountService": {
        "GetAccount": Scope.READ,
        "GetUsage": Scope.READ,
        "ListKeys": Scope.ADMIN,
        "CreateKey": Scope.ADMIN,
        "RevokeKey": Scope.ADMIN,
        "RotateKey": Scope.ADMIN,
        "ListAuditEvents": Scope.ADMIN,
        "SetEgressPolicy": Scope.ADMIN,
    },
    "pressline.asset.v1.AssetService": {
        "CreateAsset": Scope.SUBMIT,
        "GetAsset": Scope.READ,
        "ListAssets": Scope.READ,
        "ReadAsset": Scope.READ,
        "DeleteAsset": Scope.SUBMIT,
    },
    "pressline.batch.v1.BatchService": {
        "CreateBatch": Scope.SUBMIT,
        "CheckBatch": Scope.SUBMIT,
        "GetBatch": Scope.READ,
        "ListBatches": Scope.READ,
        "WatchBatch": Scope.READ,
        "CancelBatch": Scope.SUBMIT,
        "ListItems": Scope.READ,
        "ListAccountItems": Scope.READ,
        "GetItem": Scope.READ,
        "WaitItem": Scope.READ,
        "DeleteBatch": Scope.SUBMIT,
        "RetryBatch": Scope.SUBMIT,
        "ReadOutput": Scope.READ,
    },
    "pressline.event.v1.EventService": {
        "ListEvents": Scope.READ,
    },
    "pressline.template.v1.TemplateService": {
        "CreateTemplate": Scope.SUBMIT,
        "GetTemplate": Scope.READ,
        "ListTemplates": Scope.READ,
        "UpdateTemplate": Scope.SUBMIT,
        "DeleteTemplate": Scope.SUBMIT,
    },
    "pressline.webhook.v1.WebhookService": {
        "GetSigningSecret": Scope.ADMIN,
        "RotateSigningSecret": Scope.ADMIN,
        "ListDeliveries": Scope.READ,
        "ResendDelivery": Scope.SUBMIT,
        "CreateSubscription": Scope.ADMIN,
        "ListSubscriptions": Scope.ADMIN,
        "DeleteSubscription": Scope.ADMIN,
    },
}
# By full name, as gRPC has it: "/package.Service/Method".
METHODS: Mapping[str, Scope] = {
    f"/{service}/{method}": scope for service, methods in _OF_SERVICE.items() for method, scope in methods.items()
}


def of_method(method: str) -> Scope:
    """The scope that a public method needs. One that nobody has listed needs the rarest."""
    return METHODS.get(method, Scope.ADMIN)


def forbidden(scope: Scope) -> PresslineError:
    """The answer to a key that lacks a scope."""
    return PresslineError(Reason.FORBIDDEN, f"This needs an API key with the scope {scope.value!r}.")
