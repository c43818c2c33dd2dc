"""Settings of what documents may load from elsewhere."""

from __future__ import annotations

from pydantic import Field

from services.common.addresses import AllowList
from services.common.settings import AllowListSetting, Settings
from services.renderer.egress.policy import Mode


class EgressSettings(Settings):
    """For the service that renders documents."""

    template_egress: Mode = Field(
        Mode.PUBLIC,
        description="What documents may load over http and https: `public`, what is on the public internet and what "
        "PRESSLINE_TEMPLATE_ALLOW lists; `allowlist`, only what it lists; `none`, nothing.",
    )
    template_allow: AllowListSetting = Field(
        AllowList(),
        description="Hosts that documents may load from although their address is not public or their port is neither "
        "80 nor 443: CIDRs or host:port, separated by commas. Every account's documents can read them.",
    )
    remote_bytes: int = Field(10_000_000, ge=1_000, description="Largest remote resource, in bytes.")
    remote_seconds: float = Field(10, gt=0, le=60, description="Longest time that loading a remote resource may take.")
    remote_connections: int = Field(
        32, ge=1, le=256, description="Remote resources that a renderer loads at once, at most 4 for one item."
    )
    remote_item_requests: int = Field(
        200, ge=1, le=2_000, description="Remote resources of one item, redirects included."
    )
    remote_item_bytes: int = Field(50_000_000, ge=1_000, description="Bytes of one item's remote resources together.")
    remote_item_seconds: float = Field(
        20, gt=0, le=600, description="Longest time that an item may wait for its remote resources together."
    )
    remote_cache_bytes: int = Field(
        64_000_000,
        ge=0,
        description="Bytes of remote resources that a renderer keeps, each for the batch that loaded it.",
    )
