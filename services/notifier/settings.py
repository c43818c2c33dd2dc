"""The notifier's settings."""

from __future__ import annotations

from pydantic import Field

from services.common.settings import BusSettings, ListenAddress, SchedulerClientSettings, WebhookSettings


class NotifierSettings(SchedulerClientSettings, BusSettings, WebhookSettings):
    """Everything that the notifier reads from its environment."""

    notifier_health_listen: ListenAddress = Field(
        "127.0.0.1:9093", description="Where health checks are answered, host:port."
    )
    notifier_sends: int = Field(
        20, ge=1, le=100, description="Webhooks sent at the same time, at most a quarter of them to one receiver."
    )
