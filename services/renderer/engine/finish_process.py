"""A process that finishes PDFs: requests come on its standard input, answers go to its standard output."""

from __future__ import annotations

import resource
import sys

import pikepdf

from pressline.batch.v1.batch_pb2 import PdfOptions
from services.renderer import child
from services.renderer.engine.finish_messages import ANSWER, BROKEN, DONE, OUT_OF_MEMORY, REFUSED, REQUEST
from services.renderer.engine.pdf_archival import UnarchivableError
from services.renderer.engine.pdf_finish import finish

MEMORY_BYTES = 2048 * 1024 * 1024


def main() -> None:
    """Answer requests until there are no more."""
    child.confine(MEMORY_BYTES)
    # A dump of its memory would hold passwords.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while head := sys.stdin.buffer.read(REQUEST.size):
        options_length, length = REQUEST.unpack(head)
        options = PdfOptions.FromString(sys.stdin.buffer.read(options_length))
        outcome, data = _answer(sys.stdin.buffer.read(length), options)
        sys.stdout.buffer.write(ANSWER.pack(outcome, len(data)))
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _answer(data: bytes, options: PdfOptions) -> tuple[bytes, bytes]:
    try:
        return DONE, finish(data, options)
    except UnarchivableError as error:
        return REFUSED, str(error).encode()
    except MemoryError:
        return OUT_OF_MEMORY, b""
    except (pikepdf.PdfError, ValueError, TypeError) as error:
        return BROKEN, str(error).encode(errors="replace")


if __name__ == "__main__":
    main()
