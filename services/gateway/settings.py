"""What the gateway is told by its environment."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from services.common import tls_files
from services.common.addresses import IPNetwork
from services.common.settings import Address, ListenAddress, SchedulerClientSettings, Settings
from services.common.tls import ChannelTls, ListenerTls
from services.common.tls_files import TlsFile

_PUBLIC_URL = re.compile(r"https?://[^\s/?#@]+(/[A-Za-z0-9._~-]+)*")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]+)?|\*")


def _entries(value: object) -> object:
    return tuple(entry.strip() for entry in value.split(",") if entry.strip()) if isinstance(value, str) else value


def _networks(value: object) -> object:
    entries = _entries(value)
    return tuple(map(ip_network, entries)) if isinstance(entries, tuple) else entries


def _public_url(value: str) -> str:
    address = value.removesuffix("/")
    if address and not _PUBLIC_URL.fullmatch(address):
        raise ValueError("is http(s)://host[:port] and the base path, if any, such as https://example.com/render")
    return address


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _ORIGIN.fullmatch(value):
            raise ValueError(f"{value!r} is no origin: scheme://host[:port] in lower case, or * for all")
    return values


class OutsideSettings(Settings):
    """How the gateway is reached from outside."""

    trusted_proxies: Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (),
        description="Proxies whose X-Forwarded-For, -Proto and -Host are believed: CIDRs, separated by commas.",
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "",
        description="What the API is called outside, such as `https://example.com/render`: links begin with it, and "
        "routes are served under its path as well.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_entries), AfterValidator(_origins)] = Field(
        (),
        description="Sites whose pages may call the API from scripts, such as `https://app.example.com`, separated by "
        "commas; `*` for all.",
    )

    @property
    def base_path(self) -> str:
        """The path of the public URL; empty when it has none."""
        return urlsplit(self.public_url).path


class GatewaySettings(SchedulerClientSettings, OutsideSettings):
    """Settings of the REST gateway."""

    gateway_listen: ListenAddress = Field("127.0.0.1:8080", description="Address that REST is served on, host:port.")
    gateway_tls_cert: TlsFile = Field(None, description="Certificate of the gateway; REST is served over TLS when set.")
    gateway_tls_key: TlsFile = Field(None, description="Private key of that certificate.")
    scheduler_address: Address = Field(
        "127.0.0.1:9090",
        description="Public listeners of the schedulers, host:port, several separated by commas.",
    )
    scheduler_tls_ca: TlsFile = Field(
        None, description="Authorities of the public listeners' certificates; TLS is spoken to them when set."
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
    event_streams_per_account: int = Field(
        50, ge=1, description="Event streams that one account holds open at once; one more is answered with 429."
    )
    max_buffered_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1024,
        description="Largest sum of request bodies held at once; a request beyond it is answered with 503.",
    )

    @property
    def gateway_tls(self) -> ListenerTls | None:
        """TLS of the REST listener."""
        return tls_files.listener(self, "gateway_tls")

    @property
    def public_tls(self) -> ChannelTls | None:
        """TLS to the schedulers' public listeners."""
        return tls_files.channel(self, "scheduler_tls_ca", "client_tls")

    @model_validator(mode="after")
    def _tls_is_usable(self) -> Self:
        _ = self.gateway_tls, self.public_tls
        return self
