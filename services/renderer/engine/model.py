"""What goes into the engine, what comes out, and how it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from pressline.batch.v1.batch_pb2 import OutputSpec
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.requests import Answer


class ErrorCode(StrEnum):
    """Why an item cannot be rendered. Values are public."""

    TEMPLATE_ERROR = "TEMPLATE_ERROR"
    COMPILE_ERROR = "COMPILE_ERROR"
    RENDER_TIMEOUT = "RENDER_TIMEOUT"
    RESOURCE_LIMIT = "RESOURCE_LIMIT"
    ASSET_FAILED = "ASSET_FAILED"
    PAGE_CRASHED = "PAGE_CRASHED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class RenderError(Exception):
    """The item fails for good; the message is for the template's author.

    Attributes:
        warnings: what was odd about the page by then, a code and a sentence each.
        screenshot: a small JPEG of the page; empty when there is none.
    """

    def __init__(self, code: ErrorCode, message: str, warnings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.warnings = warnings
        self.screenshot = b""


class BrowserLostError(Exception):
    """The browser ended beneath the item; who was to blame is not known."""


class BrowserTooLargeError(BrowserLostError):
    """The browser was ended because it took more memory than one may."""


class PageCrashedError(Exception):
    """The item's page crashed; the rest of its browser goes on."""


# Done once a browser is gone, with the error of what was going on in it.
Lost = asyncio.Future[type[BrowserLostError]]


class BrowserCrashedError(Exception):
    """The browser ended while it rendered this item and nothing else."""


class BrowserUnavailableError(Exception):
    """No browser could be started; the item is not at fault."""


@dataclass(frozen=True)
class Environment:
    """Where and when an item is rendered.

    Attributes:
        timezone: an IANA time zone.
        locale: a BCP 47 locale.
        now_ms: what the time is, in milliseconds since 1970.
        fixed: whether the caller set the clock, so that files may carry it and still come out the same.
    """

    timezone: str = "UTC"
    locale: str = "en-US"
    now_ms: int = 0
    fixed: bool = False


NEUTRAL = Environment()


@dataclass(frozen=True)
class Content:
    """The bytes of an asset and their media type."""

    content_type: str
    data: bytes


class Assets(Protocol):
    """The fonts and images that a document may load.

    Attributes:
        id: stands for the same bytes under the same names for ever.
        font_rules: CSS that makes the fonts known; empty without fonts.
    """

    id: str
    font_rules: str

    async def read(self, name: str) -> Content | None:
        """One of them by its name; None when it cannot be had."""


class Remote(Protocol):
    """What one item may load from elsewhere.

    Attributes:
        id: items with the same one are given the same bytes under the same addresses.
    """

    id: str

    async def answer(self, url: str, method: str, kind: str) -> Answer | None:
        """The answer to a request for an http or https address; None when it is not loaded."""


@dataclass(frozen=True)
class Job:
    """One file to make. `data_json` is a JSON object; `account` decides what may share a browser.

    `accept` is called with the warnings of the page; raising RenderError it refuses the file.
    """

    account: str
    source: SourceDocument
    data_json: bytes
    output: OutputSpec
    environment: Environment = NEUTRAL
    assets: Assets | None = None
    remote: Remote | None = None
    accept: Callable[[tuple[str, ...]], None] | None = None


# Without any of them a document names no file, however it is written.
_OF_FILES = (b"url", b"src", b"image", b"import", b"font-face", b"<link", b"background=", b"poster", b"\\", b"&#")

# Without any of them no box hides what leaves it, however that is written.
_OF_HIDING = b"overflow <svg <textarea <input <select <button <hr <dialog popover marquee \\ &#".split()


@dataclass(frozen=True)
class Form:
    """What a document has in common with others, and what not.

    Attributes:
        shape: documents with the same one differ in nothing but their values.
        values: texts and attributes, in the order of the document.
    """

    shape: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A filled document. `scripted` is true when it holds anything that could run or embed something.

    `empty` says which variables were printed as nothing: a sentence for each. Without a `form` it can only be shown
    as a whole.
    """

    html: str
    scripted: bool
    empty: tuple[str, ...] = ()
    form: Form | None = None

    @cached_property
    def lower(self) -> bytes:
        """Its text with Latin letters in lower case; as bytes, because lowering text takes four times as long."""
        return self.html.encode(errors="replace").lower()

    @cached_property
    def may_draw_files(self) -> bool:
        """Whether it may show an image or a font of its own, which it has to be laid out for to load it."""
        return self.scripted or any(word in self.lower for word in _OF_FILES)

    @cached_property
    def may_hide_text(self) -> bool:
        """Whether a box of it may cut off text."""
        return self.scripted or any(word in self.lower for word in _OF_HIDING)


@dataclass(frozen=True)
class Rendered:
    """A finished file. Width and height are device pixels and 0 for PDF; pages is 0 for images.

    `warnings` are what its author may not have meant: a code and a sentence each.
    """

    data: bytes
    content_type: str
    width: int = 0
    height: int = 0
    pages: int = 0
    warnings: tuple[str, ...] = ()


class Budget:
    """The rendering time that an item has left, in seconds. Waiting for a browser does not count."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = seconds
        self._end: asyncio.Timeout | None = None

    @property
    def used_up(self) -> bool:
        """Whether nothing is left."""
        return self._left <= 0

    def renew(self) -> None:
        """Give the item its whole time again."""
        self._left = self.seconds

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        """Run a part of the work; TimeoutError when the time is used up."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(max(self._left, 0)) as self._end:
                yield
        finally:
            self._left -= time.monotonic() - started

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Wait for others within a part of the work: that time does not count."""
        end, started = self._end, time.monotonic()
        when = end.when() if end else None
        if end is None or when is None:
            yield
            return
        end.reschedule(None)
        try:
            yield
        finally:
            waited = time.monotonic() - started
            self._left += waited
            end.reschedule(when + waited)


def timed_out(budget: Budget) -> RenderError:
    """The error of an item whose time is used up."""
    return RenderError(
        ErrorCode.RENDER_TIMEOUT,
        f"Rendering took longer than {budget.seconds:g} seconds. "
        "Look for endless loops, promises that never settle, and very large documents.",
    )
