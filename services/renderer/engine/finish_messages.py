"""What passes between a renderer and the processes that finish its PDFs.

A request is the length of the options and that of the PDF, then both. An answer is one byte that tells what came of it,
the length of what follows, and that: the finished PDF, or what is wrong with it.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct(">II")
ANSWER = struct.Struct(">cI")
DONE, REFUSED, OUT_OF_MEMORY, BROKEN = b"d", b"r", b"m", b"b"
