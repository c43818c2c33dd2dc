"""Field types of where and when a batch is rendered."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.common import environment as allowed

_NOT_A_MOMENT = "must be a date and time with an offset (RFC 3339), such as 2026-03-01T09:00:00Z"
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE | re.ASCII)


def _timezone(value: str) -> str:
    if not allowed.is_timezone(value):
        raise PydanticCustomError("timezone", allowed.NOT_A_TIMEZONE)
    return value


def locale_tag(value: str) -> str:
    """A locale as it was, unless it is none."""
    if not allowed.is_locale(value):
        raise PydanticCustomError("locale", allowed.NOT_A_LOCALE)
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise PydanticCustomError("clock", _NOT_A_MOMENT)
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # Well written, and no such time: a 30th of February, an hour 25.
        raise PydanticCustomError("clock", _NOT_A_MOMENT) from None
    if not allowed.is_clock(moment):
        raise PydanticCustomError("clock", allowed.NOT_A_CLOCK)
    return moment


Timezone = Annotated[
    str,
    AfterValidator(_timezone),
    Field(description="An IANA time zone; UTC when left out.", examples=["Europe/Berlin"]),
]
Locale = Annotated[
    str,
    AfterValidator(locale_tag),
    Field(description="A BCP 47 locale; en-US when left out.", examples=["de-DE"]),
]
Clock = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=datetime),
    Field(description="What the time is in templates and documents; the batch's `created_at` when left out."),
]
