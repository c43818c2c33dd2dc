"""What the comparison with kept pictures lets pass and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.visual import golden
from tests.visual.pictures import apart

SIZE = (480, 300)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image.Image:
    """The only kept picture, of the Chromium that is installed; nothing is written outside of the test's folder."""
    monkeypatch.setattr(golden, "KEPT", tmp_path / "golden")
    monkeypatch.setattr(golden, "FAILED", tmp_path / "failed")
    picture = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    golden.folder(golden.version()).mkdir(parents=True)
    picture.save(golden.folder(golden.version()) / "card.png")
    return picture


def stained(picture: Image.Image, width: int, shade: int) -> Image.Image:
    """The picture with a grey box, ten pixels high, added to one of its corners."""
    changed = picture.copy()
    ImageDraw.Draw(changed).rectangle((0, 0, width - 1, 9), fill=(shade, shade, shade))
    return changed


def test_what_rounding_does_passes(kept: Image.Image) -> None:
    brighter = kept.point(lambda level: min(level + 8, 255))
    for same in (kept, brighter, stained(kept, 7, 255)):
        assert golden.complaint("card", same) == ""
    assert not golden.FAILED.exists()


def test_a_change_is_told_and_shown(kept: Image.Image) -> None:
    told = golden.complaint("card", stained(kept, 40, 200))
    assert told.startswith("card: 0.28% of the pixels are off by more than 8 levels; 0.05% may be.")
    assert str(golden.FAILED / "card.png") in told
    assert Image.open(golden.FAILED / "card.png").getpixel((0, 0)) == (200, 200, 200)
    shown = Image.open(golden.FAILED / "card.difference.png").convert("RGB")
    red, faint = shown.getpixel((39, 9)), shown.getpixel((40, 9))
    assert red == (220, 0, 0)
    assert faint == shown.getpixel((479, 9)) == (180, 180, 180)


def test_another_size_and_a_missing_picture_are_told(kept: Image.Image) -> None:
    assert "(480, 300) kept, (480, 301) now" in golden.complaint("card", kept.resize((480, 301)))
    assert "python -m tests.visual.golden new" in golden.complaint("new", kept)


def test_another_version_may_draw_a_little_otherwise(kept: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = (golden.version()[0] + 1, *golden.version()[1:])
    monkeypatch.setattr(golden, "version", lambda: unknown)
    assert golden.complaint("card", stained(kept, 200, 200)) == ""
    assert golden.complaint("card", stained(kept, 400, 200)).startswith("card: 2.78%")


@pytest.mark.parametrize(
    ("wanted", "closest"),
    [
        ((156, 0, 8078, 79), (156, 0, 8078, 79)),
        ((156, 0, 8078, 70), (156, 0, 8078, 79)),
        ((150, 0, 9999, 0), (149, 0, 7000, 5)),
        ((200, 0, 1, 1), (158, 0, 8200, 1)),
        ((157, 0, 8139, 40), (158, 0, 8200, 1)),
    ],
)
def test_the_nearest_version(wanted: golden.Version, closest: golden.Version) -> None:
    assert golden.nearest(wanted, [(149, 0, 7000, 5), (156, 0, 8078, 79), (158, 0, 8200, 1)]) == closest


def test_every_channel_counts() -> None:
    grey = Image.new("RGB", (10, 10), (100, 100, 100))
    for other in ((109, 100, 100), (100, 109, 100), (100, 100, 109), (91, 100, 100)):
        assert apart(grey, Image.new("RGB", (10, 10), other), 8)[0] == 1
        assert apart(grey, Image.new("RGB", (10, 10), other), 9)[0] == 0
