"""Assets made for a test."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image

from pressline.asset.v1.asset_pb2 import Asset, AssetSet, StoredAsset
from services.renderer.assets import ItemAssets
from services.renderer.engine.model import Content
from services.renderer.kept import Kept
from services.scheduler import fontface, media

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def png(colour: tuple[int, int, int], width: int = 40, height: int = 40) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def svg(colour: str) -> bytes:
    """The same, drawn; it holds a script, which images do not run."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" fill="{colour}"/>'
        '<script>document.querySelector("rect").setAttribute("fill", "black")</script></svg>'
    ).encode()


def stored(name: str, data: bytes) -> StoredAsset:
    """The record of an asset whose object key is its name."""
    content_type = media.content_type(data) or ""
    font = fontface.read(data) if content_type in media.FONTS.values() else None
    kind = 1 if font is None else 2
    asset = Asset(name=name, kind=kind, content_type=content_type, size_bytes=len(data), font=font)  # type: ignore[arg-type]
    return StoredAsset(asset=asset, object_key=name)


@dataclass
class Files:
    """Contents in memory, and how often each was read."""

    contents: dict[str, bytes]
    reads: list[str] = field(default_factory=list)

    async def read(self, key: str) -> bytes:
        self.reads.append(key)
        return self.contents[key]

    def of_item(self, set_id: str = "set") -> ItemAssets:
        """What an item sees of them."""
        assets = AssetSet(assets=[stored(name, data) for name, data in sorted(self.contents.items())])
        return ItemAssets(set_id, assets, Kept(self.read, len, 1 << 20))


__all__ = ["BLUE", "GREEN", "RED", "Content", "Files", "png", "stored", "svg"]
