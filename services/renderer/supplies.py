"""What the documents of one item may load."""

from __future__ import annotations

from dataclasses import dataclass

from services.renderer.assets import ItemAssets
from services.renderer.egress.item import ItemResources
from services.renderer.engine.lint import Code
from services.renderer.engine.model import ErrorCode, RenderError


@dataclass(frozen=True)
class Supplies:
    """The account's assets, and what is elsewhere.

    Attributes:
        assets: the account's.
        remote: what is elsewhere; None where documents may load nothing from there.
    """

    assets: ItemAssets
    remote: ItemResources | None

    @property
    def warnings(self) -> list[str]:
        """What was asked for and is not there, or was not loaded."""
        return [*self.assets.warnings, *(self.remote.warnings if self.remote else ())]

    def require_all(self, seen: tuple[str, ...]) -> None:
        """Refuse a file that lacks any of what its document asked for.

        Args:
            seen: the warnings of the page, which shows what came and cannot be used.

        Raises:
            RenderError: ASSET_FAILED, with the first that is missing.
        """
        missing = [*self.warnings, *(warning for warning in seen if warning.startswith(Code.SUBRESOURCE_FAILED))]
        if missing:
            raise RenderError(ErrorCode.ASSET_FAILED, missing[0].removeprefix(f"{Code.SUBRESOURCE_FAILED}: "), seen)
