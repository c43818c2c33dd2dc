"""Encodes captured pixels again: Chromium's own encoder costs more than the capture, for larger files."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pyvips

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG
from services.renderer.engine.model import ErrorCode, RenderError
from services.renderer.engine.options import MAX_BYTES

PNG_COMPRESSION = 6
WEBP_EFFORT = 2


class Encoder:
    """A bounded pool of threads; each encodes one image on one thread."""

    def __init__(self) -> None:
        pyvips.concurrency_set(1)
        # Every image is seen once.
        pyvips.cache_set_max(0)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="encode")

    async def encode(self, strips: list[bytes], format_: int, quality: int) -> bytes:
        """Encode PNGs, one beneath the other, as a smaller PNG, as WebP or as JPEG. Alpha channels are dropped.

        Raises:
            RenderError: RESOURCE_LIMIT once it is larger than an output may be; the rest is not encoded.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _encode, strips, format_, quality)

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


def _encode(strips: list[bytes], format_: int, quality: int) -> bytes:
    image = _joined([_opaque(strip) for strip in strips])
    output = _Output()
    target = pyvips.TargetCustom()
    target.on_write(output.write)
    try:
        if format_ == FORMAT_PNG:
            image.pngsave_target(target, compression=PNG_COMPRESSION, filter="none", keep="none")
        elif format_ == FORMAT_JPEG:
            image.jpegsave_target(target, Q=quality, subsample_mode="on", keep="none")
        else:
            image.webpsave_target(target, Q=quality, effort=WEBP_EFFORT, keep="none")
    except pyvips.Error:
        if output.size <= MAX_BYTES:
            raise
    if output.size > MAX_BYTES:
        raise too_large()
    return b"".join(output.parts)


def too_large() -> RenderError:
    """The error of an output that is larger than one may be."""
    return RenderError(ErrorCode.RESOURCE_LIMIT, f"The output has more than {MAX_BYTES // 1_000_000} MB.")


def _opaque(png: bytes) -> pyvips.Image:
    image = pyvips.Image.new_from_buffer(png, "", access="sequential")
    return image.flatten(background=255) if image.hasalpha() else image


def _joined(strips: list[pyvips.Image]) -> pyvips.Image:
    if len(strips) == 1:
        return strips[0]
    # Every cell is as high as the highest, so what the last lacks is cut off again.
    whole = pyvips.Image.arrayjoin(strips, across=1)
    return whole.crop(0, 0, whole.width, sum(strip.height for strip in strips))
