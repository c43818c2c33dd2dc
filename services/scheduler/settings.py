"""Settings of the scheduler."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.common.settings import BlobSettings, BusSettings, InternalSettings, ListenAddress, Url


def _is_32_bytes(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("is 64 hexadecimal digits")
    return value


SecretKey = Annotated[SecretStr, AfterValidator(_is_32_bytes)]


class SchedulerSettings(BusSettings, BlobSettings, InternalSettings):
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
    waiting_batches: int = Field(100, ge=1, description="Batches of one account that may wait for a place.")
    lease_seconds: float = Field(45, ge=5, le=600, description="How long a renderer holds an item unextended.")
    result_days: float = Field(7, gt=0, le=7, description="How long results are kept.")
    sweep_seconds: float = Field(5, gt=0, le=60, description="Pause between two rounds of repair.")
