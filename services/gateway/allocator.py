"""What the C library does with memory that the gateway no longer needs."""

from __future__ import annotations

import ctypes

# In malloc.h of glibc.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Have every block of 128 KiB or more given back to the system as soon as it is freed.

    glibc begins that way, but each larger block that is freed raises what it takes for large, up to 32 MiB. From then
    on bodies lie among small blocks that stay, in holes that the next ones do not fit into, and the process grows for
    hours. Other C libraries have nothing to set. A process that works on such blocks, rather than passing them on,
    would wait for the system's empty pages: a third of what a renderer does for a PNG.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
