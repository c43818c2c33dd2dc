"""The description of the API, and what every operation in it must have."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Mapping
from typing import Any, cast

import jsonschema
from pydantic import SecretStr

from services.gateway import app
from services.gateway.openapi.headers import RATE
from services.gateway.scheduler import Stubs
from services.gateway.settings import GatewaySettings

Json = dict[str, Any]
# Paths that need no key.
OPEN = ("/healthz", "/readyz")
# Making a key twice is what is asked for; an asset has a name, and a batch one archive of a format.
NOT_IDEMPOTENT = (
    "POST /v1/keys",
    "POST /v1/keys/{key_id}:rotate",
    "POST /v1/assets",
    "POST /v1/batches/{batch_id}:archive",
)


def gateway() -> app.App:
    """This source tree's routes, which are described and not called."""
    return app.routes(GatewaySettings(service_token=SecretStr("x")), cast("Stubs", None), asyncio.Event())


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation with its name, such as `GET /v1/usage`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def faults(document: Json) -> list[str]:
    """What the operations lack, such as `GET /v1/usage: no example of 200`."""
    return [
        f"{name}: {fault}"
        for name, operation in operations(document)
        for fault in _Operation(document, name, operation).faults()
    ]


def exact(document: Json) -> Json:
    """The description for tests: what the service sends does not fit it with a field that is not described."""
    strict = copy.deepcopy(document)
    for name, operation in operations(strict):
        for model in _Operation(strict, name, operation).answers():
            model["additionalProperties"] = False
    for webhook in strict["webhooks"].values():
        for model in _Operation(strict, "webhook", webhook["post"]).body():
            model["additionalProperties"] = False
    return strict


class _Operation:
    def __init__(self, document: Json, name: str, operation: Json) -> None:
        self._document = document
        self._name = name
        self._operation = operation
        self._responses: Mapping[str, Json] = operation["responses"]
        self._parameters: Mapping[str, Json] = {each["name"]: each for each in operation.get("parameters", ())}
        self._open = name.endswith(OPEN)

    def faults(self) -> Iterator[str]:
        yield from self._names()
        yield from self._inputs()
        for status in self._successes():
            yield from self._success(status)
        if not self._open:
            yield from self._refusals()
        if self._creates() and "Idempotency-Key" not in self._parameters:
            yield "no Idempotency-Key"

    def body(self) -> Iterator[Json]:
        """The objects that the body is made of."""
        yield from self._models(self._operation["requestBody"]["content"]["application/json"]["schema"])

    def answers(self) -> Iterator[Json]:
        """The objects that answers are made of."""
        for response in self._responses.values():
            for content in self._resolve(response).get("content", {}).values():
                yield from self._models(content.get("schema"))

    def _names(self) -> Iterator[str]:
        tags = {tag["name"] for tag in self._document.get("tags", ())}
        if not self._operation.get("summary"):
            yield "no summary: its function has no docstring"
        if not set(self._operation.get("tags", ())) & tags:
            yield "no tag"
        if not self._open and not self._operation.get("security"):
            yield "no security"

    def _inputs(self) -> Iterator[str]:
        yield from (f"no description of {name}" for name, each in self._parameters.items() if "description" not in each)
        for content in self._operation.get("requestBody", {}).get("content", {}).values():
            if _is_binary(content["schema"]):
                continue
            yield from self._examples(content["schema"], "the body")
            yield from self._undescribed(content["schema"])

    def _undescribed(self, schema: Json) -> Iterator[str]:
        """Fields that say neither by description nor by the words they take what they are for."""
        for model in self._models(schema):
            for name, field in model.get("properties", {}).items():
                if not {"description", "enum", "const"} & (_keys(field) | _keys(self._resolve(field))):
                    yield f"no description of {model.get('title')}.{name}"

    def _successes(self) -> list[str]:
        return [status for status in self._responses if status.startswith("2")]

    def _success(self, status: str) -> Iterator[str]:
        response = self._responses[status]
        if not self._open and not {"X-Request-Id", *RATE} <= set(response.get("headers", ())):
            yield f"no headers of {status}"
        if status != "204" and not response.get("content"):
            yield f"no content of {status}"
        for media_type, content in response.get("content", {}).items():
            schema = content.get("schema", {})
            if media_type != "application/json":
                if "example" not in content and not _is_binary(schema):
                    yield f"no example of {status} as {media_type}"
            elif not schema.get("$ref"):
                yield f"no answer model of {status}"
            else:
                yield from self._examples(schema, status)

    def _refusals(self) -> Iterator[str]:
        expected = {"401", "403", "429", "500", "503"}
        expected |= {"400", "413", "415"} if "requestBody" in self._operation else set()
        expected |= {"404"} if any(each["in"] == "path" for each in self._parameters.values()) else set()
        expected |= {"409", "422"} if "Idempotency-Key" in self._parameters else set()
        yield from (f"no {status}" for status in sorted(expected - set(self._responses)))
        if "422" in self._responses and "Idempotency-Key" not in self._parameters:
            yield "422 without an Idempotency-Key"
        form = "application/json" if " /v1/" in self._name else "application/problem+json"
        for status in sorted(set(self._responses) - set(self._successes())):
            response = self._resolve(self._responses[status])
            if list(response.get("content", ())) != [form]:
                yield f"{status} is not {form}"
            for example in response.get("content", {}).get(form, {}).get("examples", {}).values():
                yield from self._mismatch(example["value"], response["content"][form]["schema"], status)

    def _creates(self) -> bool:
        creating = self._name.startswith("POST ") and {"201", "202"} & set(self._responses)
        return bool(creating) and self._name not in NOT_IDEMPOTENT

    def _examples(self, schema: Json, where: str) -> Iterator[str]:
        found = [example for model in self._variants(schema) for example in model.get("examples", ())]
        if not found:
            yield f"no example of {where}"
        for example in found:
            yield from self._mismatch(example, schema, where)

    def _mismatch(self, example: Any, schema: Json, where: str) -> Iterator[str]:
        validator = jsonschema.Draft202012Validator({**schema, "components": self._document["components"]})
        yield from (f"the example of {where} is wrong: {error.message}" for error in validator.iter_errors(example))

    def _resolve(self, part: Json) -> Json:
        while "$ref" in part:
            _, *names = part["$ref"].split("/")
            part = self._document
            for name in names:
                part = part[name]
        return part

    def _variants(self, schema: Json) -> list[Json]:
        schema = self._resolve(schema)
        return [schema, *(self._resolve(each) for each in schema.get("anyOf", ()))]

    def _models(self, schema: Any, seen: set[str] | None = None) -> Iterator[Json]:
        """Every object that a schema is made of."""
        seen = set() if seen is None else seen
        if isinstance(schema, list):
            for each in schema:
                yield from self._models(each, seen)
        if not isinstance(schema, dict):
            return
        if reference := schema.get("$ref"):
            if reference not in seen:
                seen.add(reference)
                yield from self._models(self._resolve(schema), seen)
            return
        if "title" in schema and "properties" in schema:
            yield schema
        for name, each in schema.items():
            if name not in {"examples", "default", "enum"}:
                yield from self._models(list(each.values()) if name == "properties" else each, seen)


def _keys(field: Json) -> set[str]:
    return {*field, *(key for each in field.get("anyOf", ()) for key in each)}


def _is_binary(schema: Json) -> bool:
    return schema.get("format") == "binary"
