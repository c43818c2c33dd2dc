"""Stored templates, and images made of them one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pressline_client.errors import WaitTimeoutError
from pressline_client.models import Template
from pressline_client.paging import everything
from pressline_client.render_models import Rendered
from pressline_client.transport import Transport

PAGE = 100
POLL_SECONDS = 0.5


class Templates:
    """Stores, reads and renders templates. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, html: str, *, name: str, **fields: Any) -> Template:
        """Store a Handlebars document under an id.

        Args:
            html: the document.
            name: for people.
            **fields: `width`, `height`, `styles`, `tailwind`, `variables`, `layouts`, `missing`, as the API has them.
        """
        return Template.model_validate(self._transport.create("/v1/templates", {"name": name, "html": html, **fields}))

    def get(self, template_id: str, *, version: int | None = None) -> Template:
        """Read a template, its latest version unless another one is named."""
        return Template.model_validate(self._transport.get(f"/v1/templates/{template_id}", {"version": version}))

    def list(self) -> Iterator[Template]:
        """All templates, newest first, without their documents."""
        return map(Template.model_validate, everything(self._transport, "/v1/templates", {"limit": PAGE}))

    def update(self, template_id: str, html: str, *, name: str, **fields: Any) -> Template:
        """Replace a template's content with a new version; the arguments are those of `create`."""
        body = {"name": name, "html": html, **fields}
        return Template.model_validate(self._transport.put(f"/v1/templates/{template_id}", body))

    def delete(self, template_id: str) -> None:
        """Delete a template; batches that were submitted before still render it."""
        self._transport.delete(f"/v1/templates/{template_id}")

    def render(
        self,
        template_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002 - the API's name
        quality: float | None = None,
        layouts: Sequence[str] | None = None,
        selector: str | None = None,
        full_page: bool = False,
        transparent: bool = False,
        timeout: float | None = None,
    ) -> Rendered:
        """Make one image and wait for it. A render that failed is returned, with its `error`.

        Args:
            template_id: what to render.
            variables: the row.
            format: of the image.
            quality: of a JPEG or WebP, 0.1 to 1.
            layouts: variants of the template, an image for each.
            selector: a CSS selector; the image is of the first element that fits it.
            full_page: whether the image is as high as the document.
            transparent: whether the white beneath the document is left out, of a PNG or WebP.
            timeout: seconds until `WaitTimeoutError`; None waits as long as it takes.
        """
        given = {"variables": variables, "quality": quality, "layouts": layouts and list(layouts), "selector": selector}
        body = {name: value for name, value in given.items() if value is not None} | {"format": format}
        body |= {"fullPage": full_page, "transparent": transparent}
        answer = self._transport.create(f"/templates/{template_id}/render", body)
        deadline = None if timeout is None else time.monotonic() + timeout
        while "success" not in answer:
            if deadline is not None and time.monotonic() + POLL_SECONDS > deadline:
                raise WaitTimeoutError(f"{answer['id']} is not ready after {timeout:g} seconds.")
            time.sleep(POLL_SECONDS)
            results = self._transport.get(f"/templates/batch/{answer['batchId']}/results")["results"]
            answer |= results[0] if results else {}
        return Rendered.model_validate(answer)
