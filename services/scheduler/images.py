"""Validation of what callers want of images. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pressline.batch.v1 import batch_pb2
from services.common.errors import Violation
from services.scheduler import selectors

MIN_SCALE, MAX_SCALE = 0.1, 3
MIN_QUALITY, MAX_QUALITY = 0.1, 1


def violations(image: batch_pb2.ImageOptions, format_: batch_pb2.Format.ValueType, path: str) -> Iterator[Violation]:
    """What is wrong with the options of an image beside its size.

    Args:
        image: the options.
        format_: of the image.
        path: of the options in the request.
    """
    if image.quality and not MIN_QUALITY <= image.quality <= MAX_QUALITY:
        yield Violation(f"{path}.quality", f"is from {MIN_QUALITY} to {MAX_QUALITY}")
    if image.device_scale_factor and not MIN_SCALE <= image.device_scale_factor <= MAX_SCALE:
        yield Violation(f"{path}.device_scale_factor", f"is from {MIN_SCALE} to {MAX_SCALE}")
    if image.selector and (fault := selectors.fault(image.selector)):
        yield Violation(f"{path}.selector", fault)
    if image.selector and image.full_page:
        yield Violation(f"{path}.full_page", "cannot be combined with selector: an image is of one or the other")
    if image.transparent and format_ == batch_pb2.FORMAT_JPEG:
        yield Violation(f"{path}.transparent", "is not for a JPEG, which has no transparency; use PNG or WebP")
