"""The assets of batches, read from the scheduler and the object store, and kept after their first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pressline.asset.v1.asset_pb2 import ASSET_KIND_FONT, AssetSet, FontFace, StoredAsset
from services.common.assets import address
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.renderer.engine.model import Content
from services.renderer.kept import Kept
from services.renderer.tasks import Tasks

MAX_SET_BYTES = 16 * 1024 * 1024
MAX_CONTENT_BYTES = 64 * 1024 * 1024
# An item's warnings are for people.
MAX_WARNINGS = 20
_FORMATS = {"font/woff2": "woff2", "font/woff": "woff", "font/ttf": "truetype", "font/otf": "opentype"}


class Shelf:
    """What this renderer has of assets.

    Args:
        tasks: knows the sets.
        blobs: holds the contents.
    """

    def __init__(self, tasks: Tasks, blobs: BlobStore) -> None:
        self._sets: Kept[str, AssetSet] = Kept(tasks.asset_set, AssetSet.ByteSize, MAX_SET_BYTES)
        self._contents: Kept[str, bytes] = Kept(blobs.get, len, MAX_CONTENT_BYTES)

    async def of(self, set_id: str) -> ItemAssets:
        """The assets of an item by the set that its batch was submitted with; none for an empty id.

        Raises:
            PresslineError: the set cannot be read.
        """
        found = await self._sets.get(set_id) if set_id else AssetSet()
        return ItemAssets(set_id or "none", found, self._contents)


class ItemAssets:
    """What one item may load.

    Attributes:
        id: of the set; the same one stands for the same bytes under the same names.
        font_rules: CSS that makes its fonts known.
        warnings: what was asked for and is not there.
        failure: why something that is there could not be read.
    """

    def __init__(self, set_id: str, assets: AssetSet, contents: Kept[str, bytes]) -> None:
        self.id = set_id
        self.font_rules = "".join(_font_rules(assets))
        self.warnings: list[str] = []
        self.failure = ""
        self._contents = contents
        self._assets: Mapping[str, StoredAsset] = {each.asset.name: each for each in assets.assets}

    async def read(self, name: str) -> Content | None:
        """An asset by its name; None when it is not there or cannot be read just now."""
        stored = self._assets.get(name)
        if stored is None:
            self._warn(f"The account had no asset {name[:128]!r} when the batch was submitted.")
            return None
        try:
            return Content(stored.asset.content_type, await self._contents.get(stored.object_key))
        except BLOB_ERRORS as error:
            self.failure = f"the asset {name!r} cannot be read: {error}"
            return None

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(sentence)


def _font_rules(assets: AssetSet) -> Iterator[str]:
    for stored in assets.assets:
        if stored.asset.kind == ASSET_KIND_FONT:
            yield _font_rule(stored)


def _font_rule(stored: StoredAsset) -> str:
    font, asset = stored.asset.font, stored.asset
    weight = f"{font.min_weight}" + (f" {font.max_weight}" if font.max_weight != font.min_weight else "")
    return (
        f"@font-face{{font-family:{_quoted(font)};font-weight:{weight};"
        f"font-style:{'italic' if font.italic else 'normal'};"
        f'src:url("{address(asset.name)}") format("{_FORMATS[asset.content_type]}")}}'
    )


def _quoted(font: FontFace) -> str:
    # The rules stand in a style element, which a `<` could end.
    escaped = "".join(f"\\{ord(character):x} " if character in '"\\<>' else character for character in font.family)
    return f'"{escaped}"'
