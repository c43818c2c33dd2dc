"""How documents refer to an account's fonts and images."""

from __future__ import annotations

# `.invalid` is reserved: nobody can register the name and no resolver may answer for it, so an address of an asset
# never leads anywhere but to the renderer.
HOST = "assets.pressline.invalid"


def address(name: str) -> str:
    """The address that stands for an asset in documents."""
    return f"https://{HOST}/{name}"
