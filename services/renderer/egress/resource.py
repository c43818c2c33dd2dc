"""What a remote resource is, and why one is not loaded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_ADDRESS = 120
_ANY_BYTES = ("application/octet-stream", "binary/octet-stream")


class Kind(StrEnum):
    """What a document wants a resource for, as Chromium calls it."""

    IMAGE = "Image"
    FONT = "Font"
    STYLESHEET = "Stylesheet"
    SCRIPT = "Script"
    DATA = "XHR"


NAMES = {
    Kind.IMAGE: "image",
    Kind.FONT: "font",
    Kind.STYLESHEET: "style sheet",
    Kind.SCRIPT: "script",
    Kind.DATA: "data",
}
# How the media types of each kind begin. Data is anything.
_TYPES = {
    Kind.IMAGE: ("image/", *_ANY_BYTES),
    Kind.FONT: ("font/", "application/font", "application/x-font", "application/vnd.ms-", *_ANY_BYTES),
    Kind.STYLESHEET: ("text/css",),
    Kind.SCRIPT: ("text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript"),
    Kind.DATA: ("",),
}


@dataclass(frozen=True)
class Resource:
    """An answer, whole.

    Attributes:
        status: 200, or a redirect's.
        content_type: its media type with parameters; may be empty.
        location: where a redirect leads, in full.
        data: its bytes, unpacked.
    """

    status: int
    content_type: str = ""
    location: str = ""
    data: bytes = b""

    @property
    def redirects(self) -> bool:
        """Whether it is elsewhere."""
        return self.status in REDIRECTS


class NotLoadedError(Exception):
    """A resource is not loaded; the message says why, and continues a sentence."""


def check_type(kind: Kind, content_type: str) -> None:
    """Refuse a media type that the kind never has, before any of the answer is read.

    Raises:
        NotLoadedError: it is another kind's.
    """
    media = content_type.partition(";")[0].strip().lower()
    untold = not media and kind in {Kind.IMAGE, Kind.FONT}
    if not untold and not media.startswith(_TYPES[kind]):
        told = f"{media[:60]!r}" if media else "no media type"
        raise NotLoadedError(f"the server answered with {told}")


def shortened(url: str) -> str:
    """An address as a sentence can hold it."""
    return url if len(url) <= _LONGEST_ADDRESS else f"{url[: _LONGEST_ADDRESS - 1]}…"
