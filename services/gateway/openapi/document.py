"""The whole description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi._compat import get_definitions, get_flat_models_from_fields, get_model_name_map
from fastapi.openapi.utils import get_fields_from_routes, get_openapi
from fastapi.routing import APIRoute

from services.gateway import access
from services.gateway.openapi import webhooks
from services.gateway.openapi.headers import HEADERS, RATE, refer
from services.gateway.openapi.refusals import components, refer_to

API_TITLE, API_VERSION = "Pressline", "1"
_ABOUT = """
One template and many rows go in; PNG, JPEG, WebP or PDF come out. There are three APIs over one engine: two dialects
for programs that were written for other services, and a native one for all that neither of them has. One key opens all
three, and what was made through one can be read through the others.

* **Errors** of routes under `/v1` are `{"error": {"code", "message", "fields", "request_id"}}`, those of all others
  RFC 9457 problem details with a `code`. A request that is not valid is told of every field at fault at once.
* **Idempotency-Key**, on routes that create something, makes a repeat safe for 24 hours.
* **Rate limits** stand in the headers of every answer to a known key.
"""
_TAGS = [
    {"name": "Pictify", "description": "Images from templates, in camelCase."},
    {"name": "Deckle", "description": "PDFs from HTML or templates, in snake_case."},
    {"name": "Native", "description": "Batches of images, PDFs or both, and what surrounds them."},
    {"name": "Health", "description": "Probes. They need no key."},
    {"name": "Webhooks", "description": "What the service sends to receivers."},
]
_SUCCESS = range(200, 300)


def operation_id(route: APIRoute) -> str:
    """The function's name, after the dialect's where it is one."""
    api = str(next(iter(route.tags), "")).lower()
    return f"{api}_{route.name}" if api in {"pictify", "deckle"} else route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """Everything that the app's routes can be asked and can answer, as OpenAPI 3.1."""
    document = get_openapi(
        title=API_TITLE,
        version=API_VERSION,
        summary="Self-hosted batch rendering.",
        description=_ABOUT.strip(),
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        tags=_TAGS,
        servers=app.servers or None,
        routes=app.routes,
        webhooks=webhooks.routes.routes,
    )
    shared = components()
    schemas = _schemas(app) | shared["schemas"]
    for path, method, operation in _operations(document):
        _split_docstring(operation)
        _drop_framework_refusal(operation)
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
        if "security" in operation:
            _complete(path, method, operation)
        _say_what_answers_are(operation, schemas)
    document["components"] |= {"schemas": schemas, "responses": shared["responses"], "headers": HEADERS}
    return document


def _schemas(app: FastAPI) -> dict[str, Any]:
    """Schemas as the models have them: the framework's document leaves out every null of their examples."""
    fields = get_fields_from_routes([*app.routes, *webhooks.routes.routes])
    names = get_model_name_map(get_flat_models_from_fields(fields, known_models=set()))
    _, schemas = get_definitions(fields=fields, model_name_map=names)
    return dict(sorted(schemas.items()))


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in (document["paths"] | document["webhooks"]).items():
        for method, operation in operations.items():
            yield path, method.upper(), operation


def _split_docstring(operation: dict[str, Any]) -> None:
    """The first line of a route's docstring is its summary."""
    summary, _, rest = operation.pop("description", "").partition("\n")
    operation["summary"] = summary.removesuffix(".")
    if rest.strip():
        operation["description"] = rest.strip()


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: it can be left out, and there is no way to write null in its place."""
    variants = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(variants) != 1:
        return schema
    return {**variants[0], **{name: value for name, value in schema.items() if name not in {"anyOf", "default"}}}


def _say_what_answers_are(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """In place of the framework's phrase, which is the same for all."""
    for response in operation["responses"].values():
        if response.get("description") == "Successful Response":
            reference = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            described = schemas.get(reference.rpartition("/")[2], {})
            response["description"] = described.get("description", "Done.")


def _drop_framework_refusal(operation: dict[str, Any]) -> None:
    """What is not valid is answered by ourselves, with 400."""
    if operation["responses"].get("422", {}).get("description") == "Validation Error":
        del operation["responses"]["422"]


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what every route with a key has: refusals, headers, and the scopes it asks for."""
    responses = operation["responses"]
    for status in {*_refusals(operation), *(int(each) for each in responses if int(each) not in _SUCCESS)}:
        responses[str(status)] = refer_to(path, status)
    headers = ["X-Request-Id", *RATE, *(["Idempotent-Replayed"] if _is_idempotent(operation) else [])]
    for status, answer in responses.items():
        if int(status) in _SUCCESS:
            answer["headers"] = refer(headers) | answer.get("headers", {})
    operation["responses"] = dict(sorted(responses.items()))
    scopes = access.ROUTES.get(f"{method} {path}", ())
    needs = f"Needs a key with {' and '.join(f'`{scope}`' for scope in scopes)}."
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), needs if scopes else "")))


def _refusals(operation: dict[str, Any]) -> Iterator[int]:
    """What follows from what a route takes."""
    yield from (401, 403, 429, 500, 503)
    parameters = operation.get("parameters", ())
    if "requestBody" in operation:
        yield from (400, 413, 415)
    if any(parameter["in"] != "path" for parameter in parameters):
        yield 400
    if any(parameter["in"] == "path" for parameter in parameters):
        yield 404
    if _is_idempotent(operation):
        yield from (409, 422)


def _is_idempotent(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
