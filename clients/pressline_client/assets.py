"""Fonts and images of the account, which its documents refer to by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pressline_client.models import Asset, AssetPage
from pressline_client.transport import Transport

PAGE = 100


class Assets:
    """Stores and lists assets. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def add(self, file: str | Path | bytes, *, name: str | None = None, replace: bool = False) -> Asset:
        """Store a font or an image. The same bytes under the same name change nothing.

        Args:
            file: a path, or the bytes.
            name: what documents call it; the file's name if omitted.
            replace: whether other bytes under that name are replaced.

        Raises:
            ValueError: bytes without a name.
        """
        if isinstance(file, bytes):
            data = file
        else:
            data, name = Path(file).read_bytes(), name or Path(file).name
        if name is None:
            raise ValueError("bytes need a name")
        params = {"name": name, "replace": "true" if replace else None}
        return Asset.model_validate(self._transport.upload("/v1/assets", data, params))

    def get(self, asset_id: str) -> Asset:
        """Read what is known about an asset."""
        return Asset.model_validate(self._transport.get(f"/v1/assets/{asset_id}"))

    def content(self, asset_id: str) -> bytes:
        """Read its bytes."""
        return self._transport.read(f"/v1/assets/{asset_id}/content")

    def list(self) -> Iterator[Asset]:
        """All assets by name, fetched page by page."""
        cursor = None
        while True:
            page = AssetPage.model_validate(self._transport.get("/v1/assets", {"cursor": cursor, "limit": PAGE}))
            yield from page.data
            cursor = page.next_cursor
            if cursor is None:
                return

    def delete(self, asset_id: str) -> None:
        """Delete an asset; batches that were submitted before still render with it."""
        self._transport.delete(f"/v1/assets/{asset_id}")
