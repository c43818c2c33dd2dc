"""Writes docs/configuration.md from the services' settings models: python -m docs.generate_configuration."""

# ruff: noqa: INP001 - a script beside the page that it writes
from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from services.common.settings import Settings
from services.gateway.settings import GatewaySettings
from services.notifier.settings import NotifierSettings
from services.renderer.settings import RendererSettings
from services.scheduler.settings import SchedulerSettings

PAGE = Path(__file__).with_name("configuration.md")
MODELS: Mapping[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "scheduler": SchedulerSettings,
    "renderer": RendererSettings,
    "notifier": NotifierSettings,
}
_KINDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path of a PEM file",
}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "more than"), Le: ("le", "at most"), Lt: ("lt", "less than")}
_INTRODUCTION = """\
# Configuration

Every service reads its settings from environment variables when it starts. One that is missing or not usable ends
the service with exit code 2 and a line that names it. Variables that a service does not know are ignored.

This page is made from the settings models by `python -m docs.generate_configuration`.
"""


def variable(field: str) -> str:
    """The environment variable of a settings field."""
    return f"PRESSLINE_{field.upper()}"


def page() -> str:
    """The whole page as Markdown."""
    sections = [_section(service, model) for service, model in MODELS.items()]
    return "\n".join([_INTRODUCTION, *sections])


def _section(service: str, model: type[Settings]) -> str:
    rows = [_row(name, field) for name, field in sorted(model.model_fields.items())]
    head = ["| Variable | Value | Default | Meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {service}", "", *head, *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{variable(name)}`", _value(field), _default(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(field: FieldInfo) -> str:
    kind = "secret text" if field.annotation is SecretStr else _kind(_plain(field.annotation))
    bounds = [
        f"{words} {getattr(item, attribute):g}"
        for item in field.metadata
        for bound, (attribute, words) in _BOUNDS.items()
        if isinstance(item, bound)
    ]
    return ", ".join([kind, *bounds])


def _kind(plain: Any) -> str:
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return " or ".join(f"`{each}`" for each in plain)
    return _KINDS.get(plain, "list")


def _plain(annotation: Any) -> Any:
    """The type itself: without what Annotated adds, and without None where it may be left out."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    given = [kind for kind in get_args(annotation) if kind is not NoneType]
    return _plain(given[0]) if given else annotation


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default_factory is not None:
        return "by machine"
    if field.default is None:
        return "unset"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, str | int | float):
        return f"`{field.default}`" if field.default != "" else "empty"
    return "empty"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
