"""Becomes a program that is signalled when its parent dies, however the parent dies.

Run as `python -I -S launch.py SIGNAL PARENT_PID PROGRAM ARGUMENT…`. A program of its own and not a hook
between fork and exec, because the parent has threads and such a hook could deadlock.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    number, parent, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number) != 0:
        sys.exit("the kernel refuses PR_SET_PDEATHSIG")
    if os.getppid() != parent:
        sys.exit("the parent has died already")
    os.execv(program[0], program)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main()
