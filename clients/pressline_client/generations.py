"""PDFs one by one: made while you wait, read, and listed over all batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pressline_client.errors import WaitTimeoutError
from pressline_client.paging import everything
from pressline_client.render_models import Generation, GenerationStatus
from pressline_client.transport import Transport

PAGE = 100
POLL_SECONDS = 0.5


class Generations:
    """Makes and reads generations. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        template: str | None = None,
        react: str | None = None,
        html: str | None = None,
        data: Mapping[str, Any] | None = None,
        styles: str | None = None,
        tailwind: bool = False,
        options: Mapping[str, Any] | None = None,
        output: Literal["url", "base64"] = "url",
        timeout: float | None = None,
    ) -> Generation:
        """Make one PDF and wait for it. A render that failed is returned, with its `error`.

        Args:
            template: id of a stored template; or
            react: JSX or TSX with a default-exported component; or
            html: a document, Handlebars where `data` is given.
            data: the row.
            styles: CSS, added to the document's head.
            tailwind: whether Tailwind CSS is added for its class names.
            options: `{format, margin, orientation, header, footer, printBackground}`.
            output: an address of the PDF, or its bytes in `content`.
            timeout: seconds until `WaitTimeoutError`; None waits as long as it takes.
        """
        given = {"template": template, "react": react, "html": html, "data": data, "styles": styles, "options": options}
        body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        body |= {"tailwind": tailwind, "output": output}
        made = Generation.model_validate(self._transport.create("/v1/generate", body))
        return made if made.ended else self._until_ended(made.id, timeout)

    def get(self, generation_id: str) -> Generation:
        """Read one, with its bytes when they were asked for."""
        return Generation.model_validate(self._transport.get(f"/v1/generations/{generation_id}"))

    def list(
        self,
        *,
        status: GenerationStatus | None = None,
        batch_id: str | None = None,
        template_id: str | None = None,
    ) -> Iterator[Generation]:
        """The items of all batches, whichever API made them, those of newer batches first; without their bytes."""
        params = {"status": status, "batch_id": batch_id, "template_id": template_id, "limit": PAGE}
        return map(Generation.model_validate, everything(self._transport, "/v1/generations", params))

    def _until_ended(self, generation_id: str, timeout: float | None) -> Generation:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            generation = self.get(generation_id)
            if generation.ended:
                return generation
            if deadline is not None and time.monotonic() + POLL_SECONDS > deadline:
                raise WaitTimeoutError(f"{generation_id} is still {generation.status} after {timeout:g} seconds.")
            time.sleep(POLL_SECONDS)
