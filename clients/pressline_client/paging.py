"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pressline_client.transport import Transport


def everything(transport: Transport, path: str, params: Mapping[str, Any], cursor: str = "cursor") -> Iterator[Any]:
    """What a list holds, fetched page by page as it is asked for.

    Args:
        transport: to the service.
        path: of the list.
        params: of every page.
        cursor: the parameter that tells where a page begins.
    """
    here = dict(params)
    while True:
        page = transport.get(path, here)
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        here[cursor] = page["next_cursor"]
