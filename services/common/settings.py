"""Settings: read from `PRESSLINE_*` environment variables, checked before a service starts.

A service's model combines the groups it needs, so a value has one name, one type and one default everywhere.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.common import failpoints, tls_files
from services.common.addresses import AllowList
from services.common.tls import ChannelTls
from services.common.tls_files import TlsFile

Address = Annotated[str, StringConstraints(pattern=r"^\S+:\d+(,\S+:\d+)*$")]
ListenAddress = Annotated[str, StringConstraints(pattern=r"^\S+:\d+$")]
Url = Annotated[str, StringConstraints(pattern=r"^[a-z0-9+]+://\S+$")]


class Settings(BaseSettings):
    """What every service has."""

    model_config = SettingsConfigDict(env_prefix="PRESSLINE_", frozen=True, extra="ignore")

    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least severe level that is logged."
    )
    drain_seconds: float = Field(
        30,
        ge=0,
        le=300,
        description="Longest wait at SIGTERM for work in flight; what is left is handed back.",
    )
    failpoint: Annotated[str, AfterValidator(failpoints.checked)] | None = Field(
        None, description="For tests: where the process kills itself, a name or name:n; docs/testing.md has them."
    )


class InternalSettings(Settings):
    """For every service on the internal RPC network."""

    service_token: SecretStr = Field(description="Shared by the services; opens the scheduler's internal listener.")


class SchedulerClientSettings(InternalSettings):
    """For services that call the scheduler."""

    scheduler_internal_address: Address = Field(
        "127.0.0.1:9091",
        description="Internal listeners of the schedulers, host:port, several separated by commas.",
    )
    scheduler_internal_tls_ca: TlsFile = Field(
        None, description="Authorities of the internal listeners' certificates; TLS is spoken to them when set."
    )
    client_tls_cert: TlsFile = Field(
        None, description="Certificate that this service shows to listeners that ask for one."
    )
    client_tls_key: TlsFile = Field(None, description="Private key of that certificate.")

    @property
    def internal_tls(self) -> ChannelTls | None:
        """TLS to the internal listeners."""
        return tls_files.channel(self, "scheduler_internal_tls_ca", "client_tls")

    @model_validator(mode="after")
    def _internal_tls_is_usable(self) -> Self:
        _ = self.internal_tls
        authorities = [name for name in type(self).model_fields if name.endswith("_tls_ca")]
        if self.client_tls_cert is not None and not any(getattr(self, name) for name in authorities):
            raise ValueError(
                "PRESSLINE_CLIENT_TLS_CERT is of no use without PRESSLINE_SCHEDULER_INTERNAL_TLS_CA: "
                "nothing is called over TLS."
            )
        return self


class BusSettings(Settings):
    """For services on NATS JetStream."""

    nats_url: Url = Field("nats://127.0.0.1:4222", description="NATS servers, several separated by commas.")
    nats_replicas: int = Field(1, ge=1, le=5, description="Copies that JetStream keeps of each stream.")


def _allow_list(value: object) -> object:
    return AllowList.parse(value) if isinstance(value, str) else value


AllowListSetting = Annotated[InstanceOf[AllowList], NoDecode, BeforeValidator(_allow_list)]


class WebhookSettings(Settings):
    """For services that judge or reach webhook receivers."""

    webhook_allow: AllowListSetting = Field(
        AllowList(),
        description="Receivers that may be reached although their address is not public: "
        "CIDRs or host:port, separated by commas.",
    )


class BlobSettings(Settings):
    """For services that read or write objects."""

    s3_url: Url = Field("http://127.0.0.1:9000", description="S3 endpoint that the services use.")
    s3_public_url: Url | None = Field(None, description="S3 endpoint in download addresses; the same when unset.")
    s3_access_key: str = Field(description="S3 access key.")
    s3_secret_key: SecretStr = Field(description="S3 secret key.")
    s3_bucket: str = Field("pressline", pattern="^[a-z0-9.-]{3,63}$", description="Bucket of the results.")
    s3_region: str = Field("us-east-1", description="Region used in signatures.")
