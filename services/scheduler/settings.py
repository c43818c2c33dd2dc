"""Settings of the scheduler."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.common import tls_files
from services.common.settings import BlobSettings, BusSettings, InternalSettings, ListenAddress, Url, WebhookSettings
from services.common.tls import ListenerTls
from services.common.tls_files import TlsFile


def _is_32_bytes(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("is 64 hexadecimal digits")
    return value


SecretKey = Annotated[SecretStr, AfterValidator(_is_32_bytes)]


class SchedulerSettings(BusSettings, BlobSettings, InternalSettings, WebhookSettings):
    """What the scheduler reads from its environment."""

    scheduler_listen: ListenAddress = Field("127.0.0.1:9090", description="Public gRPC listener, for API keys.")
    scheduler_tls_cert: TlsFile = Field(
        None, description="Certificate of the public listener; it speaks TLS when set, and nothing else."
    )
    scheduler_tls_key: TlsFile = Field(None, description="Private key of that certificate.")
    scheduler_tls_client_ca: TlsFile = Field(
        None, description="Authorities of clients; when set, callers must show a certificate of one of them."
    )
    scheduler_internal_listen: ListenAddress = Field(
        "127.0.0.1:9091", description="Internal gRPC listener, for the other services."
    )
    scheduler_internal_tls_cert: TlsFile = Field(
        None, description="Certificate of the internal listener; it speaks TLS when set, and nothing else."
    )
    scheduler_internal_tls_key: TlsFile = Field(None, description="Private key of that certificate.")
    scheduler_internal_tls_client_ca: TlsFile = Field(
        None, description="Authorities of services; when set, they must show a certificate of one of them."
    )
    scheduler_health_listen: ListenAddress | None = Field(
        None, description="Where health checks are answered without TLS as well, host:port; nowhere when unset."
    )
    mongodb_url: Url = Field("mongodb://127.0.0.1:27017", description="MongoDB connection string.")
    mongodb_database: str = Field("pressline", pattern="^[A-Za-z0-9_-]{1,38}$", description="Database name.")
    secret_key: SecretKey = Field(
        description="32 bytes in hexadecimal: peppers the hashes of API keys and encrypts webhook secrets.",
    )
    enterprise_requests_per_minute: int = Field(
        10_000, ge=1, description="Request limit of the enterprise plan; the other plans' are fixed."
    )
    free_renders_per_month: int = Field(1_000, ge=0, description="Renders a month on the free plan; 0 means no limit.")
    pro_renders_per_month: int = Field(10_000, ge=0, description="Renders a month on the pro plan; 0 means no limit.")
    business_renders_per_month: int = Field(
        100_000, ge=0, description="Renders a month on the business plan; 0 means no limit."
    )
    enterprise_renders_per_month: int = Field(
        0, ge=0, description="Renders a month on the enterprise plan; 0 means no limit."
    )
    waiting_batches: int = Field(100, ge=1, description="Batches of one account that may wait for a place.")
    account_unfinished_items: int = Field(
        250_000, ge=1, description="Items of one account that may be unfinished; one more is told to try again."
    )
    unfinished_items: int = Field(
        1_000_000, ge=1, description="Items of all accounts that may be unfinished; one more is told to try again."
    )
    lease_seconds: float = Field(45, ge=5, le=600, description="How long a renderer holds an item unextended.")
    result_days: float = Field(7, gt=0, le=7, description="How long results are kept.")
    template_wait_seconds: float = Field(
        3, ge=0, le=10, description="Longest wait for a renderer to list a saved template's variables."
    )
    asset_bytes: int = Field(10_000_000, ge=1, description="Largest asset, in bytes.")
    account_assets: int = Field(500, ge=0, le=2_000, description="Assets of one account.")
    account_asset_bytes: int = Field(
        500_000_000,
        ge=0,
        description="Bytes of one account's assets, with what was replaced or deleted and is not gone yet.",
    )
    watchers: int = Field(
        1_000, ge=1, description="Batches followed at once through one scheduler; one more is told to try again."
    )
    watchers_per_account: int = Field(
        100, ge=1, description="Batches that one account follows at once through one scheduler; one more is refused."
    )
    sweep_seconds: float = Field(5, gt=0, le=60, description="Pause between two rounds of repair.")

    @property
    def public_tls(self) -> ListenerTls | None:
        """TLS of the public listener."""
        return tls_files.listener(self, "scheduler_tls")

    @property
    def internal_tls(self) -> ListenerTls | None:
        """TLS of the internal listener."""
        return tls_files.listener(self, "scheduler_internal_tls")

    @model_validator(mode="after")
    def _tls_is_usable(self) -> Self:
        _ = self.public_tls, self.internal_tls
        return self
