"""Settings of the scheduler."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.common.settings import BlobSettings, BusSettings, InternalSettings, ListenAddress, Url, WebhookSettings


def _is_32_bytes(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("is 64 hexadecimal digits")
    return value


SecretKey = Annotated[SecretStr, AfterValidator(_is_32_bytes)]


class SchedulerSettings(BusSettings, BlobSettings, InternalSettings, WebhookSettings):
    """What the scheduler reads from its environment."""

    scheduler_listen: ListenAddress = Field("127.0.0.1:9090", description="Public gRPC listener, for API keys.")
    scheduler_internal_listen: ListenAddress = Field(
        "127.0.0.1:9091", description="Internal gRPC listener, for the other services."
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
    lease_seconds: float = Field(45, ge=5, le=600, description="How long a renderer holds an item unextended.")
    result_days: float = Field(7, gt=0, le=7, description="How long results are kept.")
    template_wait_seconds: float = Field(
        3, ge=0, le=10, description="Longest wait for a renderer to list a saved template's variables."
    )
    watchers: int = Field(
        1_000, ge=1, description="Batches followed at once through one scheduler; one more is told to try again."
    )
    sweep_seconds: float = Field(5, gt=0, le=60, description="Pause between two rounds of repair.")
