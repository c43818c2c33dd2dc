from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pressline_cli import captions
from pressline_cli.contact_sheet import MARGIN, write_contact_sheet
from pressline_cli.thumbnails import ThumbnailError


def picture(folder: Path, name: str, colour: str, size: tuple[int, int] = (800, 600)) -> str:
    Image.new("RGB", size, colour).save(folder / name)
    return name


def test_every_file_is_on_the_sheet(tmp_path: Path) -> None:
    files = [picture(tmp_path, f"{colour}.png", colour) for colour in ("red", "lime", "blue", "yellow", "fuchsia")]

    path = write_contact_sheet(tmp_path, files, "five.csv")

    with Image.open(path) as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 24) or []}
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)} <= colours


def test_a_hundred_at_most_and_a_bounded_picture(tmp_path: Path) -> None:
    files = [picture(tmp_path, f"{n}.jpg", "navy", (160, 113)) for n in range(3)] * 40

    with Image.open(write_contact_sheet(tmp_path, files, "many.csv")) as sheet:
        assert 2 * MARGIN < sheet.width < 4000
        assert sheet.height < 4000


def test_odd_proportions_and_transparency(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 900), (255, 0, 0, 0)).save(tmp_path / "tall.png")
    files = ["tall.png", picture(tmp_path, "wide.png", "teal", (900, 40))]

    assert write_contact_sheet(tmp_path, files, "odd.csv").stat().st_size > 0


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")

    with pytest.raises(ThumbnailError, match=r"broken\.png"):
        write_contact_sheet(tmp_path, ["broken.png"], "x")


@pytest.mark.parametrize("text", ["Ada", "Зоя", "佐藤 健一", "عبد الرحمن", "ณัฐวุฒิ", "🚀", "", "LI-1 प्रियंका Zoë 李"])
def test_captions_fit_in_any_script(text: str) -> None:
    runs = captions.fitted(text * 30, 15, 200)

    assert captions.total_width(runs) <= 200
