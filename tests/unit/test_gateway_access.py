"""Which methods a path takes."""

from __future__ import annotations

import pytest

from services.gateway.access import methods_at


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/templates", ["GET", "POST"]),
        ("/templates/tmpl_1", ["DELETE", "GET", "PUT"]),
        ("/templates/tmpl_1/render", ["POST"]),
        ("/templates/batch/batch_1/results", ["GET"]),
        ("/v1/batches/batch_1", ["DELETE", "GET"]),
        ("/v1/batches/batch_1:cancel", ["POST"]),
        ("/v1/batches/batch_1:unheard", ["DELETE", "GET"]),
        ("/v1/batches/batch_1/unheard", []),
        ("/v1/batches/", []),
        ("/healthz", []),
    ],
)
def test_a_path_takes_the_methods_of_the_template_that_fits_best(path: str, methods: list[str]) -> None:
    assert methods_at(path) == methods
