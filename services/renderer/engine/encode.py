"""Encodes captured pixels again, where Chromium's own encoder costs more than the capture, or makes larger files."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyvips

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP
from services.renderer.engine import pixels, png
from services.renderer.engine.model import ErrorCode, RenderError
from services.renderer.engine.options import MAX_BYTES
from services.renderer.engine.picture_size import size_of

# Beyond it a picture is not held in memory whole, but written as it is read, a piece at a time.
_MOST_PIXELS = 9_000_000
_PNG_COMPRESSION = 6
# Up to 2 an effort costs next to nothing; from 3 on it takes double the time, for a hundredth of the bytes.
_WEBP_EFFORT, _WEBP_EFFORT_OF_SMALLEST = 2, 6


class Encoder:
    """A bounded pool of threads; each encodes one image on one thread.

    Args:
        smallest: make smaller files, for several times the work.
    """

    def __init__(self, *, smallest: bool) -> None:
        self._smallest = smallest
        pyvips.concurrency_set(1)
        # Every image is seen once.
        pyvips.cache_set_max(0)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="encode")

    def improves(self, format_: int) -> bool:
        """Whether it makes better files of a format than Chromium, whose JPEG and WebP are cheap."""
        return format_ == FORMAT_PNG or (format_ == FORMAT_WEBP and self._smallest)

    async def encode(self, strips: list[bytes], format_: int, quality: int, *, transparent: bool = False) -> bytes:
        """Encode PNGs, one beneath the other, as a smaller PNG, as WebP or as JPEG.

        Alpha channels are dropped unless the image is to be transparent.

        Raises:
            RenderError: RESOURCE_LIMIT once it is larger than an output may be; the rest is not encoded.
        """
        encode = partial(_encode, strips, format_, quality, transparent=transparent, smallest=self._smallest)
        return await asyncio.get_running_loop().run_in_executor(self._threads, encode)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Output:
    """Takes the bytes of a file as they come, up to the limit."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > MAX_BYTES:
            return -1
        self.parts.append(bytes(data))
        return len(data)


def _encode(strips: list[bytes], format_: int, quality: int, *, transparent: bool, smallest: bool) -> bytes:
    width, height = size_of(strips[0])
    if format_ != FORMAT_PNG or len(strips) > 1 or width * height > _MOST_PIXELS:
        image = _joined([pixels.opened(strip, transparent=transparent) for strip in strips])
        return _streamed(image, format_, quality, smallest=smallest)
    packed = png.pack(pixels.read(strips[0], transparent=transparent), smallest=smallest)
    if len(packed) > MAX_BYTES:
        raise too_large()
    return packed


def _streamed(image: pyvips.Image, format_: int, quality: int, *, smallest: bool) -> bytes:
    output = _Output()
    target = pyvips.TargetCustom()
    target.on_write(output.write)
    try:
        if format_ == FORMAT_PNG:
            image.pngsave_target(target, compression=_PNG_COMPRESSION, filter="none", keep="none")
        elif format_ == FORMAT_JPEG:
            image.jpegsave_target(target, Q=quality, subsample_mode="on", keep="none")
        else:
            effort = _WEBP_EFFORT_OF_SMALLEST if smallest else _WEBP_EFFORT
            image.webpsave_target(target, Q=quality, effort=effort, keep="none")
    except pyvips.Error:
        if output.size <= MAX_BYTES:
            raise
    if output.size > MAX_BYTES:
        raise too_large()
    return b"".join(output.parts)


def too_large() -> RenderError:
    """The error of an output that is larger than one may be."""
    return RenderError(ErrorCode.RESOURCE_LIMIT, f"The output has more than {MAX_BYTES // 1_000_000} MB.")


def _joined(strips: list[pyvips.Image]) -> pyvips.Image:
    if len(strips) == 1:
        return strips[0]
    # Every cell is as high as the highest, so what the last lacks is cut off again.
    whole = pyvips.Image.arrayjoin(strips, across=1)
    return whole.crop(0, 0, whole.width, sum(strip.height for strip in strips))
