"""Field types of requests: a number may be written in any way that JSON has for it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.gateway.models.accounts import RotationBody
from services.gateway.models.native import BatchBody
from services.gateway.models.pictify import BatchRenderBody
from services.gateway.models.templates import TemplateBody


def test_a_whole_number_may_have_a_decimal_point() -> None:
    template = TemplateBody.model_validate({"html": "x", "width": 300.0, "height": 2e2})
    assert (template.width, template.height) == (300, 200)
    assert isinstance(template.width, int)
    assert BatchRenderBody.model_validate({"variableSets": [{}], "concurrency": 2.0}).concurrency == 2
    assert BatchBody.model_validate({"items": [{}], "concurrency": 2.0}).concurrency == 2
    assert RotationBody.model_validate({"grace_seconds": 0.0}).grace_seconds == 0


@pytest.mark.parametrize("width", [300.5, "300", True, 0.0, 4001.0, 1e300, float("nan"), float("inf"), None])
def test_anything_else_is_no_whole_number(width: Any) -> None:
    with pytest.raises(ValidationError):
        TemplateBody.model_validate({"html": "x", "width": width})
