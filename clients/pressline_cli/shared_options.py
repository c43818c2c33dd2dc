"""Options that `batch` and `render` have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypedDict

import typer

Size = Annotated[
    str | None,
    typer.Option(help="Images: WIDTHxHEIGHT in CSS pixels; the document's viewport, else 1200x630, if omitted."),
]
Scale = Annotated[float | None, typer.Option(help="Images: device pixels per CSS pixel.", min=0.1, max=3)]
Quality = Annotated[float | None, typer.Option(help="Images: 0.1 to 1.", min=0.1, max=1)]
Selector = Annotated[
    str | None, typer.Option(help="Images: a CSS selector; the image is of the first element that fits it.")
]
FullPage = Annotated[bool, typer.Option("--full-page", help="Images: as high as the document.")]
Transparent = Annotated[bool, typer.Option("--transparent", help="PNG and WebP: no white beneath the document.")]
Tailwind = Annotated[bool, typer.Option("--tailwind", help="Add Tailwind CSS for the document's class names.")]
PageSize = Annotated[
    str | None,
    typer.Option(help="PDF: A4, Letter, Legal or 210mmx99mm; the document's own @page, else A4, if omitted."),
]
Margin = Annotated[str | None, typer.Option(help="PDF: a length for all four sides, such as 1cm.")]
Timezone = Annotated[str | None, typer.Option(help="An IANA time zone, such as Europe/Berlin; UTC if omitted.")]
Locale = Annotated[str | None, typer.Option(help="A BCP 47 locale, such as de-DE; en-US if omitted.")]
Clock = Annotated[
    str | None,
    typer.Option(help="What the time is in the document, such as 2026-03-01T09:00:00Z; now if omitted."),
]
RequireAssets = Annotated[
    bool, typer.Option("--require-assets", help="Fail what does not get an image, font or the like that it asks for.")
]
Api = Annotated[
    str | None, typer.Option(envvar="PRESSLINE_API_URL", help="The service; the stack on this machine if omitted.")
]
Key = Annotated[
    str | None,
    # Not shown: the environment's value would be printed by --help.
    typer.Option(envvar="PRESSLINE_API_KEY", help="Its API key.", show_default=False),
]
Data = Annotated[Path, typer.Option("--data", help="The data folder of the stack on this machine.")]


class Environment(TypedDict, total=False):
    """Where and when something is rendered, and what it needs, as the API takes it."""

    timezone: str | None
    locale: str | None
    clock: str | None
    missing_assets: Literal["error"] | None
