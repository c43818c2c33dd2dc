"""Memory of large bodies goes back to the system, however large those before them were."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Blocks that the system gave one by one, and that go back to it one by one, are counted by glibc.
PROGRAM = """
import ctypes, sys
from services.gateway import allocator

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena free fast blocks bytes unused kept used room top".split()]

library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
library.mallinfo2.restype = Info
if sys.argv[1] == "set":
    allocator.return_large_blocks()
library.free(library.malloc(16 << 20))
before = library.mallinfo2().blocks
library.malloc(1 << 20)
print(library.mallinfo2().blocks - before)
"""


@pytest.mark.parametrize(("how", "blocks_of_the_system"), [("set", "1"), ("as it is", "0")])
def test_a_body_is_given_back_even_after_a_larger_one(how: str, blocks_of_the_system: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == blocks_of_the_system
