"""The description of the API is whole: nothing can be added to the gateway without saying what it takes and answers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import openapi_spec_validator
import pytest
from fastapi import Response

from services.gateway import routing
from tests.support.description import faults, gateway, operations

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    return gateway().openapi()


def test_it_is_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)


def test_bounds_are_written_as_json_schema_has_them(document: Json) -> None:
    assert re.search(r"'(ge|gt|le|lt)': ", str(document)) is None


def test_no_operation_lacks_anything(document: Json) -> None:
    assert faults(document) == []


def test_operations_have_names_of_their_own(document: Json) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(document))
    assert [name for name, count in names.items() if count > 1 or not name.isidentifier()] == []


def test_the_frameworks_own_refusals_are_not_described(document: Json) -> None:
    assert "HTTPValidationError" not in str(document)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "no answer model of 200"),
        ({"tags": ["Elsewhere"]}, "no tag"),
        ({"status_code": 202}, "no Idempotency-Key"),
        ({"response_model": dict[str, int]}, "no answer model of 200"),
    ],
)
def test_a_route_that_says_too_little_is_noticed(changes: Json, fault: str) -> None:
    app, routes = gateway(), routing.router()
    if "tags" in changes:
        routes.tags = changes.pop("tags")

    @routes.post("/v1/bare/{bare_id}", **changes)
    async def bare(bare_id: str) -> Response:
        return Response(bare_id)

    app.include_router(routes)
    found = faults(app.openapi())
    assert f"POST /v1/bare/{{bare_id}}: {fault}" in found
    assert "POST /v1/bare/{bare_id}: no summary: its function has no docstring" in found
    assert "POST /v1/bare/{bare_id}: no description of bare_id" in found
    assert "POST /v1/bare/{bare_id}: no 401" in found
