"""Every operation against the running system: whatever it is sent, right or wrong, it answers as it is described.

A short run is part of all tests; `make test-fuzz` runs it at length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig

from tests.fuzz.cases import Known, excluded, tame
from tests.support.description import exact, gateway
from tests.support.gateway import api
from tests.support.stack import Stack

EXAMPLES = int(os.environ.get("PRESSLINE_FUZZ_EXAMPLES", "10"))
# The same cases each time, unless there are many.
SAME = EXAMPLES < 100
# Longer than a single render is waited for.
CALL_SECONDS = 60

# Every call is given the key: without one there is only one answer, which a check of its own asks for.
generation = GenerationConfig(
    max_examples=EXAMPLES, deterministic=SAME, allow_x00=False, with_security_parameters=False
)
config = schemathesis.Config(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
description = schemathesis.openapi.from_dict(exact(gateway().openapi()), config=config)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-fuzz") as connected:
        yield connected


@pytest.fixture(scope="module")
def known(client: httpx2.Client) -> Known:
    return Known(client)


@description.parametrize()
@pytest.mark.timeout(120 + EXAMPLES * 20)
def test_it_answers_as_it_is_described(
    case: schemathesis.Case[Any], stack: Stack, client: httpx2.Client, known: Known
) -> None:
    tame(case, known)
    how: dict[str, Any] = {
        "base_url": stack.api,
        "headers": {"Authorization": client.headers["Authorization"]},
        "timeout": CALL_SECONDS,
    }
    answer = case.call(**how)
    case.validate_response(answer, headers=how["headers"], excluded_checks=excluded(answer), transport_kwargs=how)
    known.undo(answer)
