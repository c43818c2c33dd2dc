"""Pages: their sizes, and the tokens that tell where the next one begins. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from services.common.errors import PresslineError, Violation, invalid


def size(asked: int, default: int, largest: int) -> int:
    """The size of a page.

    Raises:
        PresslineError: VALIDATION_ERROR for one that no page has.
    """
    if not 0 <= asked <= largest:
        raise invalid(Violation("page_size", f"is from 1 to {largest}"))
    return asked or default


def token(text: str) -> str:
    """An opaque token that stands for a place."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(page_token: str, form: re.Pattern[str]) -> tuple[str, ...] | None:
    """The parts of the place that a token stands for; None without a token.

    Raises:
        PresslineError: VALIDATION_ERROR for a token that no page has given out.
    """
    if not page_token:
        return None
    try:
        text = base64.urlsafe_b64decode(page_token + "=" * (-len(page_token) % 4)).decode()
    except (binascii.Error, ValueError):
        raise unknown_token() from None
    match = form.fullmatch(text)
    if match is None:
        raise unknown_token()
    return match.groups()


def unknown_token() -> PresslineError:
    """The answer to a token that no page has given out."""
    return invalid(Violation("page_token", "is not from an earlier page"))
