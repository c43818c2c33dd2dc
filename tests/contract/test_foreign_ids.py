"""What belongs to one account is not there for another, on every REST route that takes an id.

Routes are taken from the description that the gateway serves, so that a new one is walked as well: its parameters are
explained in tests/support/belongings.py, and what it must be sent in `BODIES` below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.belongings import KINDS, TEMPLATE_BODY, Belongings, make_belongings, unknown_like
from tests.support.gateway import api
from tests.support.stack import Stack

Json = dict[str, Any]
# Sound bodies, so that it is the id that decides the answer.
BODIES: Mapping[str, Json] = {
    "PUT /templates/{uid}": TEMPLATE_BODY,
    "POST /templates/{uid}/render": {"variables": {"name": "a"}},
    "POST /templates/{uid}/batch-render": {"variableSets": [{"name": "a"}]},
    "PUT /v1/templates/{template_id}": TEMPLATE_BODY,
    "POST /v1/keys/{key_id}:rotate": {},
    "POST /v1/batches/{batch_id}:retry": {},
    "POST /v1/batches/{batch_id}:archive": {"format": "zip"},
}
# A list that is narrowed by what nobody has is empty; of a batch that is not there, there is no list.
EMPTY_LISTS = {("GET /v1/generations", "template_id")}
# Ids that travel in bodies: the field at fault is named, the same whether the id is unknown or somebody else's.
NAMED_IN_BODIES: Mapping[str, Any] = {
    "POST /v1/batches": lambda found: {"defaults": {"template": found}, "items": [{"data": {"name": "a"}}]},
    "POST /v1/batches?dry_run=true": lambda found: {"items": [{"template": found, "data": {"name": "a"}}]},
    "POST /v1/generate": lambda found: {"template": found, "data": {"name": "a"}},
    "POST /v1/generate/batch": lambda found: {"items": [{"template": found, "data": {"name": "a"}}]},
}


@dataclass(frozen=True)
class Place:
    """A parameter of a route that takes an id."""

    route: str
    parameter: str
    where: str

    def request(self, client: httpx2.Client, value: str) -> httpx2.Response:
        method, path = self.route.split(" ", 1)
        if self.where == "query":
            return client.request(method, path, params={self.parameter: value})
        return client.request(method, path.replace(f"{{{self.parameter}}}", value), json=BODIES.get(self.route))


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-owner") as client:
        yield client


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-owners-neighbour") as client:
        yield client


@pytest.fixture(scope="module")
def belongings(owner: httpx2.Client) -> Belongings:
    return make_belongings(owner)


@pytest.fixture(scope="module")
def description(owner: httpx2.Client) -> Json:
    found: Json = owner.get("/openapi.json").json()
    return found


def places(description: Json) -> list[Place]:
    """Every place of the API that takes an id."""
    return [
        Place(f"{method.upper()} {path}", parameter["name"], parameter["in"])
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        for parameter in (resolved(description, each) for each in operation.get("parameters", []))
        if parameter["in"] == "path" or (parameter["in"] == "query" and parameter["name"].endswith("_id"))
    ]


def resolved(description: Json, parameter: Json) -> Json:
    """A parameter, also where the description only refers to it."""
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: Json = description["components"]["parameters"][name] if name else parameter
    return found


def told(answer: httpx2.Response, asked: str) -> tuple[int, str, str]:
    """An answer without what is different each time."""
    text = answer.text.replace(asked, "<id>").replace(answer.headers["x-request-id"], "<request>")
    return answer.status_code, answer.headers["content-type"], text


def test_every_place_and_body_is_explained(description: Json) -> None:
    found = places(description)
    unexplained = [place for place in found if place.parameter not in KINDS]
    assert not unexplained, "say in tests/support/belongings.py what these name"
    bodies = {
        place.route
        for place in found
        if "requestBody" in description["paths"][place.route.split(" ", 1)[1]][place.route.split(" ", 1)[0].lower()]
    }
    assert bodies == set(BODIES), "say in BODIES what these are sent"
    assert {place.route for place in found} > {"GET /v1/batches/{batch_id}", "GET /templates/batch/{batch_id}/results"}


def test_ids_of_another_account_are_as_unknown_as_those_of_nothing(
    owner: httpx2.Client, stranger: httpx2.Client, belongings: Belongings, description: Json
) -> None:
    before = owned_state(owner, belongings)
    wrong = []
    for place in places(description):
        for foreign in belongings.of(KINDS[place.parameter]):
            unknown = unknown_like(foreign)
            theirs = told(place.request(stranger, foreign), foreign)
            nothing = told(place.request(stranger, unknown), unknown)
            expected = 200 if (place.route, place.parameter) in EMPTY_LISTS else 404
            if theirs != nothing or theirs[0] != expected or (expected == 404 and "NOT_FOUND" not in theirs[2]):
                wrong.append((place.route, foreign, theirs, nothing))
    assert not wrong
    assert owned_state(owner, belongings) == before


def test_narrowing_by_a_foreign_id_finds_nothing(stranger: httpx2.Client, belongings: Belongings) -> None:
    answer = stranger.get("/v1/generations", params={"template_id": belongings.there["template"]})
    assert answer.json() == {"data": [], "next_cursor": None}


@pytest.mark.parametrize("route", NAMED_IN_BODIES)
def test_templates_of_another_account_cannot_be_named_in_bodies(
    stranger: httpx2.Client, belongings: Belongings, route: str
) -> None:
    method, path = route.split(" ", 1)
    for foreign in belongings.of("template"):
        unknown = unknown_like(foreign)
        theirs, nothing = (
            told(stranger.request(method, path, json=NAMED_IN_BODIES[route](each)), each) for each in (foreign, unknown)
        )
        assert theirs == nothing
        assert theirs[0] == (200 if "dry_run" in path else 400)
        assert "<id>" in theirs[2]


def owned_state(owner: httpx2.Client, belongings: Belongings) -> list[Any]:
    """What the owner sees of it all; nobody else's calls may change it."""
    there = belongings.there
    paths = [
        f"/v1/templates/{there['template']}",
        f"/v1/batches/{there['batch']}",
        f"/v1/generations/{there['item']}",
        f"/v1/assets/{there['asset']}",
        "/webhook-subscriptions",
    ]
    answers = [owner.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    keys = owner.get("/v1/keys").json()["data"]
    assert there["key"] in {key["id"] for key in keys}
    return [answer.json() for answer in answers] + [sorted(key["id"] for key in keys)]
