"""Fills templates in a page that serves nothing else, in a browser that runs no caller's script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pressline.task.v1.task_pb2 import SourceDocument
from pressline.template.v1 import template_pb2
from pressline.template.v1.template_pb2 import Inspection, Variable
from services.renderer.engine import components
from services.renderer.engine.browser import Browser
from services.renderer.engine.embedded import Aside
from services.renderer.engine.model import (
    NEUTRAL,
    BrowserLostError,
    Document,
    Environment,
    ErrorCode,
    Form,
    RenderError,
)
from services.renderer.engine.tab import ProtocolError, Tab

WEB = Path(__file__).parent.parent / "web"
SCRIPTS = (
    "vendor/handlebars.min.js",
    "vendor/babel.js",
    "vendor/sucrase.js",
    "vendor/codes.js",
    "settled_promise.js",
    "vendor/tailwind.js",
    "keep.js",
    "rows.js",
    "helpers.js",
    "codes.js",
    "code_helpers.js",
    "printed.js",
    "explain.js",
    "slots.js",
    "forms.js",
    "markups.js",
    "compiler.js",
    "tailwind.js",
    "variables.js",
    "components.js",
)
# Bounded by the page itself, so that one template cannot use up the time of those behind it.
FILL_SECONDS = 5.0
MAX_CHARACTERS = 20_000_000
_TYPES = {
    "string": template_pb2.VARIABLE_TYPE_STRING,
    "number": template_pb2.VARIABLE_TYPE_NUMBER,
    "array": template_pb2.VARIABLE_TYPE_ARRAY,
    "object": template_pb2.VARIABLE_TYPE_OBJECT,
    "unknown": template_pb2.VARIABLE_TYPE_UNSPECIFIED,
}
_HANDLEBARS = {SourceDocument.KIND_HANDLEBARS_STRICT: True, SourceDocument.KIND_HANDLEBARS_LENIENT: False}


class Compiler:
    """Turns sources and rows into documents. `launch` starts a browser for its page."""

    def __init__(self, launch: Callable[[], Awaitable[Browser]]) -> None:
        self._launch = launch
        self._browser: Browser | None = None
        self._tab: Tab | None = None
        self._opening = asyncio.Lock()

    async def fill(
        self, source: SourceDocument, data_json: bytes, extra_html: str, where: Environment = NEUTRAL
    ) -> Document:
        """Fill a source with a row.

        Args:
            source: HTML, taken as it is, Handlebars, or a React component.
            data_json: a JSON object.
            extra_html: printed beside the document; a script in it makes the document scripted.
            where: the time zone, locale and time that helpers go by.

        Raises:
            RenderError: TEMPLATE_ERROR, COMPILE_ERROR, RESOURCE_LIMIT, or RENDER_TIMEOUT for a template that does
                not end.
        """
        if source.kind == SourceDocument.KIND_REACT:
            row = {"data": data_json.decode()}
            compiled = _sound(await self._once_known("component", _request(source, extra_html) | row, source))
            return Document(components.page(compiled, data_json), scripted=True)
        aside = Aside(source)
        answer = await self._fill(aside.rest, data_json, extra_html, where)
        if "code" in answer and aside:
            # What is wrong is told with its place in the whole source.
            answer = await self._fill(source, data_json, extra_html, where)
        html, form = _sound(answer)["html"], answer.get("form")
        empty = tuple(
            f'"{each["name"]}" on line {each["line"]} of the template is empty.' for each in answer.get("empty", ())
        )
        if html is None:
            return Document(source.body, answer["scripted"], empty)
        whole = _whole(html, aside) if aside else html
        same = Form(form["shape"], tuple(aside.restored(form["values"]).split("\0"))) if form else None
        return Document(whole, answer["scripted"], empty, same)

    async def inspect(self, source: SourceDocument) -> Inspection:
        """List the variables of a Handlebars source.

        Raises:
            BrowserLostError: the browser ended.
            PageCrashedError: the page crashed.
        """
        try:
            answer = await self._call("variables", {"body": source.body})
        except RenderError:
            return Inspection(error=f"Reading the template took longer than {FILL_SECONDS:g} seconds.")
        found = (
            Variable(name=each["name"], type=_TYPES[each["type"]], required=each["required"], line=each["line"])
            for each in answer.get("variables", ())
        )
        return Inspection(variables=found, error=answer.get("error", ""))

    async def close(self) -> None:
        """End its browser."""
        if self._browser is not None:
            await self._browser.kill()

    async def discard(self) -> None:
        """End a page that does not answer; the next call opens another."""
        await self.close()
        self._tab = None

    async def _fill(
        self, source: SourceDocument, data_json: bytes, extra_html: str, where: Environment
    ) -> dict[str, Any]:
        request = _request(source, extra_html)
        if source.kind == SourceDocument.KIND_HTML:
            return dict(await self._call("inspect", request | {"body": source.body}))
        if source.kind not in _HANDLEBARS:
            raise RenderError(ErrorCode.INTERNAL_ERROR, f"This renderer does not know sources of kind {source.kind}.")
        here = {"timezone": where.timezone, "locale": where.locale, "now": where.now_ms}
        row = {"strict": _HANDLEBARS[source.kind], "data": data_json.decode(), "here": here}
        return dict(await self._once_known("fill", request | row, source))

    async def _once_known(self, function: str, request: dict[str, Any], source: SourceDocument) -> Any:
        # The body is sent only to a page that does not have it yet.
        answer = await self._call(function, request | {"body": None})
        return answer or await self._call(function, request | {"body": source.body})

    async def _call(self, function: str, request: dict[str, Any]) -> Any:
        tab = await self.open()
        try:
            return await tab.evaluate(f"pressline.{function}({json.dumps(request)})", timeout_seconds=FILL_SECONDS)
        except BrowserLostError:
            # Its process may live on, out of reach.
            if tab is self._tab:
                await self.discard()
            raise
        except ProtocolError as error:
            raise RenderError(
                ErrorCode.RENDER_TIMEOUT,
                f"Filling the template took longer than {FILL_SECONDS:g} seconds; look for loops over very long lists.",
            ) from error

    async def open(self) -> Tab:
        """The page, opened when there is none or the last one is gone."""
        async with self._opening:
            if self._tab is None or self._browser is None or not self._browser.alive or self._tab.crashed:
                await self.discard()
                self._browser = await self._launch()
                tab = await self._browser.open(scripts=True)
                for name in SCRIPTS:
                    await tab.evaluate((WEB / name).read_text() + "\n;0")
                self._tab = tab
            return self._tab


def _request(source: SourceDocument, extra_html: str) -> dict[str, Any]:
    request = {"id": source.id, "styles": source.styles, "tailwind": source.tailwind, "extra": extra_html}
    return request | {"longest": MAX_CHARACTERS}


def _whole(html: str, aside: Aside) -> str:
    length = aside.length(html)
    if length > MAX_CHARACTERS:
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT,
            f"The filled document has {length} characters; at most {MAX_CHARACTERS} are allowed.",
        )
    return aside.restored(html)


def _sound(answer: dict[str, Any]) -> dict[str, Any]:
    if "code" in answer:
        raise RenderError(ErrorCode(answer["code"]), answer["message"])
    return answer
