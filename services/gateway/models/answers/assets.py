"""What the native API answers about assets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import Address, Moment, NextCursor, example

_ASSET: dict[str, Any] = {
    "id": "asset_7k2m9q4x1c8v5b3n",
    "name": "brand-bold.woff2",
    "kind": "font",
    "content_type": "font/woff2",
    "bytes": 20480,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": "https://assets.pressline.invalid/brand-bold.woff2",
    "font": {"family": "Brand", "weight": "700", "style": "normal"},
    "created_at": "2030-01-31T12:00:00Z",
    "updated_at": "2030-01-31T12:00:00Z",
}


class FontFace(BaseModel):
    """How CSS selects a font, as the file itself says."""

    family: str = Field(description="The value of `font-family`.")
    weight: str = Field(description="The value of `font-weight`; of a variable font the lightest and the heaviest.")
    style: Literal["normal", "italic"]


class Asset(BaseModel):
    """A font or an image of the account."""

    model_config = example(**_ASSET)

    id: str = Field(description="The same for as long as the name is in use.")
    name: str = Field(description="Unique in the account.")
    kind: Literal["font", "image"]
    content_type: str = Field(description="As the bytes tell it.")
    bytes: int = Field(ge=0, description="The size.")
    sha256: str = Field(description="Of the bytes, in hexadecimal.")
    url: Address = Field(description="What documents write to refer to it; it leads nowhere else.")
    font: FontFace | None = Field(description="Of a font.")
    created_at: Moment
    updated_at: Moment = Field(description="When its bytes last changed.")


class Assets(BaseModel):
    """A page of assets, by name."""

    model_config = example(data=[_ASSET], next_cursor=None)

    data: list[Asset]
    next_cursor: NextCursor
