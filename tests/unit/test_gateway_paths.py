"""Fields at fault, named as in the caller's own request."""

from __future__ import annotations

import pytest

from services.gateway.translate.paths import DECKLE, GENERATE, NATIVE, PICTIFY, RENDER, Renames, rename


@pytest.mark.parametrize(
    ("renames", "path", "expected"),
    [
        (PICTIFY, "items[3].data_json.name", "variableSets[3].name"),
        (DECKLE, "items[3].data_json.name", "items[3].data.name"),
        (NATIVE, "items[3].data_json.items[0].price", "items[3].data.items[0].price"),
        (RENDER, "items[0].data_json.name", "variables.name"),
        (GENERATE, "items[0].data_json.name", "data.name"),
        # Names in a row are the caller's own, whatever they look like.
        (NATIVE, "items[3].data_json.a.source", "items[3].data.a.source"),
        (NATIVE, "items[3].data_json.x.output.image.y", "items[3].data.x.output.image.y"),
        (PICTIFY, "items[3].data_json.spec.data_json.source", "variableSets[3].spec.data_json.source"),
        (NATIVE, "items[3].data_json", "items[3].data"),
        (NATIVE, "items[3].source.template_id", "items[3].template"),
        (NATIVE, "spec.source.template_id", "defaults.template"),
    ],
)
def test_paths_are_those_of_the_request(renames: Renames, path: str, expected: str) -> None:
    assert rename(path, renames) == expected
