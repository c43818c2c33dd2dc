"""Parameters that many routes take, described once."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query

MAX_KEY_CHARACTERS = 255

Cursor = Annotated[
    str, Query(max_length=1024, description="The cursor that the page before ended with; without it the first page.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="The most that a page holds.")]
Version = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="Of the template; the latest when it is left out.")
]
BatchId = Annotated[str, Path(description="Of the batch, whichever API it was made through.")]


def _declared(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=MAX_KEY_CHARACTERS,
            description="Makes a repeat safe for 24 hours: the same body is answered as before, another one refused.",
        ),
    ] = None,
) -> None:
    del key  # It is read from the request, where the fingerprint of the body is made.


# A dependency of every route that creates something under the request's Idempotency-Key.
IDEMPOTENT = Depends(_declared)
