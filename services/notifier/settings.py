"""The notifier's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, InstanceOf
from pydantic_settings import NoDecode

from services.common.addresses import AllowList
from services.common.settings import BusSettings, ListenAddress, SchedulerClientSettings


def _allow_list(value: object) -> object:
    return AllowList.parse(value) if isinstance(value, str) else value


class NotifierSettings(SchedulerClientSettings, BusSettings):
    """Everything that the notifier reads from its environment."""

    notifier_health_listen: ListenAddress = Field(
        "127.0.0.1:9093", description="Where health checks are answered, host:port."
    )
    notifier_sends: int = Field(20, ge=1, le=100, description="Webhooks sent at the same time.")
    webhook_allow: Annotated[InstanceOf[AllowList], NoDecode, BeforeValidator(_allow_list)] = Field(
        AllowList(),
        description="Receivers that may be reached although their address is not public: "
        "CIDRs or host:port, separated by commas.",
    )
