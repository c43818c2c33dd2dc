"""The warnings of an item."""

from __future__ import annotations

from services.renderer import warnings


def test_every_warning_has_a_code_and_the_layout_that_it_is_about() -> None:
    found = warnings.of_item(["The logo is gone."], {"": ("BLANK_PAGE: Empty.",), "story": ("TEXT_CLIPPED: Long.",)})
    assert found == [
        "SUBRESOURCE_FAILED: The logo is gone.",
        "BLANK_PAGE: Empty.",
        "TEXT_CLIPPED: Long. (layout story)",
    ]


def test_warnings_are_bounded_in_number_and_length() -> None:
    sentences = [str(number) + " long\n" * 100 for number in range(30)]
    found = warnings.of_item(sentences, {"": ("A", "A")})
    assert len(found) == 20
    assert {len(warning) for warning in found} == {300}
    assert not any("\n" in warning for warning in found)
    assert warnings.of_item([], {"": ("A", "A")}) == ["A"]
