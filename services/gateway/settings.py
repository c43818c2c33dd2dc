"""What the gateway is told by its environment."""

from __future__ import annotations

from pydantic import Field

from services.common.settings import Address, ListenAddress, SchedulerClientSettings


class GatewaySettings(SchedulerClientSettings):
    """Settings of the REST gateway."""

    gateway_listen: ListenAddress = Field("127.0.0.1:8080", description="Address that REST is served on, host:port.")
    scheduler_address: Address = Field(
        "127.0.0.1:9090",
        description="Public listeners of the schedulers, host:port, several separated by commas.",
    )
    max_body_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="Largest request body; a larger one is answered with 413."
    )
    render_wait_seconds: float = Field(
        30, gt=0, le=120, description="Longest wait for a single render; then it is answered with 202 and goes on."
    )
    event_streams: int = Field(
        500, ge=1, le=900, description="Event streams held open at once; one more is answered with 503."
    )
    max_buffered_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1024,
        description="Largest sum of request bodies held at once; a request beyond it is answered with 503.",
    )
