"""The Python SDK of Pressline.

from pressline_client import Client

with Client("http://127.0.0.1:8080", api_key) as client:
    batch = client.batches.create(
        [{"data": {"name": "Ada"}}, {"data": {"name": "Grace"}}],
        defaults={"html": "<h1>{{name}}</h1>", "output": {"format": "png", "width": 800, "height": 400}},
    )
    client.batches.wait(batch.id)
    for item in client.batches.items(batch.id):
        if item.url:
            client.download(item.url, f"{item.index}.png")
"""

from pressline_client.account_models import Egress, Event, Key, NewKey, Subscription
from pressline_client.client import Client
from pressline_client.downloads import Downloaded
from pressline_client.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DownloadError,
    FieldError,
    ForbiddenError,
    LimitExceededError,
    NotFoundError,
    PresslineError,
    RateLimitedError,
    ServerError,
    ValidationError,
    WaitTimeoutError,
    WebhookError,
)
from pressline_client.models import (
    Archive,
    ArchiveError,
    Asset,
    Batch,
    FontFace,
    Item,
    ItemError,
    ItemOutput,
    Limits,
    Template,
    Usage,
    Variable,
)
from pressline_client.render_models import Generation, LayoutError, LayoutFile, Rendered
from pressline_client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "Archive",
    "ArchiveError",
    "Asset",
    "AuthenticationError",
    "Batch",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "DownloadError",
    "Downloaded",
    "Egress",
    "Event",
    "FieldError",
    "FontFace",
    "ForbiddenError",
    "Generation",
    "Item",
    "ItemError",
    "ItemOutput",
    "Key",
    "LayoutError",
    "LayoutFile",
    "LimitExceededError",
    "Limits",
    "NewKey",
    "NotFoundError",
    "PresslineError",
    "RateLimitedError",
    "Rendered",
    "ServerError",
    "Subscription",
    "Template",
    "Usage",
    "ValidationError",
    "Variable",
    "WaitTimeoutError",
    "WebhookError",
    "verify_webhook",
]
