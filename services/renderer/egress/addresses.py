"""The addresses of remote resources, read once for whoever judges them and for the request that follows. Pure."""

from __future__ import annotations

import re

from yarl import URL

from services.renderer.egress.resource import NotLoadedError

NOT_VALID = "the address is not valid"
# Browsers write addresses in these characters alone; others could write more than one line of the request.
_CHARACTERS = re.compile(r"[!-~]+")


def judged(text: str) -> URL:
    """An address that can be asked for.

    Raises:
        NotLoadedError: it is none, or holds a password.
    """
    try:
        url = URL(text, encoded=True) if _CHARACTERS.fullmatch(text) else URL()
    except ValueError as error:
        raise NotLoadedError(NOT_VALID) from error
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise NotLoadedError(NOT_VALID)
    if url.user is not None or url.password is not None:
        raise NotLoadedError("its address holds a user name or password")
    return url
