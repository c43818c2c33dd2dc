"""Which time zones, locales and clocks a batch may be rendered with. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

DEFAULT_TIMEZONE = "UTC"
DEFAULT_LOCALE = "en-US"
EARLIEST_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_CLOCK = datetime(2199, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
NOT_A_TIMEZONE = "must be an IANA time zone such as Europe/Berlin"
NOT_A_LOCALE = "must be a BCP 47 locale such as de or de-DE"
NOT_A_CLOCK = "must be from 1970 to 2199"
MAX_LOCALE = 64
# A language, and then a script, a region, variants and Unicode's own extension, e.g. "de-CH-1996" or "ar-u-nu-latn".
_LOCALE = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(?P<variants>(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(-u(-[a-z0-9]{3,8})*(-[a-z0-9][a-z](-[a-z0-9]{3,8})*)*(?<!-u))?",
    re.IGNORECASE,
)


def is_timezone(name: str) -> bool:
    """Whether it is the name of a time zone, written as in the IANA database."""
    return name in _timezones()


def is_locale(tag: str) -> bool:
    """Whether it is a well-formed locale; one that nobody speaks is formatted like a neutral one."""
    match = _LOCALE.fullmatch(tag) if len(tag) <= MAX_LOCALE else None
    if match is None:
        return False
    variants = match["variants"].lower().split("-")
    return len(set(variants)) == len(variants)


def is_clock(moment: datetime) -> bool:
    """Whether a batch may be rendered at that time; it has an offset."""
    return EARLIEST_CLOCK <= moment <= LATEST_CLOCK


@cache
def _timezones() -> frozenset[str]:
    # The package's list is the same on every machine; what the system has may be older, or not there.
    names = (files("tzdata") / "zones").read_text().split()
    return frozenset(names) - {"Factory"}
