"""The page of settings against the settings."""

from __future__ import annotations

import pytest

from docs import generate_configuration
from docs.generate_configuration import MODELS, variable


def test_the_committed_page_is_current() -> None:
    committed = generate_configuration.PAGE.read_text(encoding="utf-8")
    assert committed == generate_configuration.page(), "run: python -m docs.generate_configuration"


@pytest.mark.parametrize("service", MODELS)
def test_every_setting_is_explained(service: str) -> None:
    for name, field in MODELS[service].model_fields.items():
        assert field.description, variable(name)
