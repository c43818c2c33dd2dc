"""Encodes captured pixels again: Chromium's own encoder costs more than the capture, for larger files."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pyvips

from pressline.batch.v1.batch_pb2 import FORMAT_PNG

PNG_COMPRESSION = 6
WEBP_EFFORT = 2


class Encoder:
    """A bounded pool of threads; each encodes one image on one thread."""

    def __init__(self) -> None:
        pyvips.concurrency_set(1)
        # Every image is seen once.
        pyvips.cache_set_max(0)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="encode")

    async def encode(self, png: bytes, format_: int, quality: int) -> bytes:
        """Encode a PNG as a smaller PNG, or as WebP. An unused alpha channel is dropped."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _encode, png, format_, quality)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _encode(png: bytes, format_: int, quality: int) -> bytes:
    image = pyvips.Image.new_from_buffer(png, "")
    if image.hasalpha():
        image = image.flatten(background=255)
    if format_ == FORMAT_PNG:
        return bytes(image.pngsave_buffer(compression=PNG_COMPRESSION, filter="none", keep="none"))
    return bytes(image.webpsave_buffer(Q=quality, effort=WEBP_EFFORT, keep="none"))
