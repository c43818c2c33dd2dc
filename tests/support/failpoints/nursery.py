"""Starts processes of one service by forking one that has imported it: a life that ends at once need not begin slowly.

Run as `python -m tests.support.failpoints.nursery SERVICE`. It takes one JSON object a line, `{"env": …, "log": …}`,
and answers each with `{"born": pid}`; when a process has ended it says `{"dead": pid, "code": exit code}`.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from ctypes import CDLL
from typing import Any

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.02


def main() -> None:
    """Start what is asked for, until nobody asks any more; what still runs then is ended."""
    run = importlib.import_module(f"services.{sys.argv[1]}.__main__").main
    children: set[int] = set()
    for line in _lines():
        if line:
            children.add(pid := _born(run, json.loads(line)))
            print(json.dumps({"born": pid}), flush=True)  # noqa: T201 - the protocol
        for pid, code in _ended(children):
            children.discard(pid)
            print(json.dumps({"dead": pid, "code": code}), flush=True)  # noqa: T201 - the protocol
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _lines() -> Iterator[bytes]:
    """Lines of standard input, and an empty one whenever there is none for a moment."""
    # Without a buffer, in which a line could wait unseen.
    with open(0, "rb", buffering=0) as orders:
        while True:
            readable, _, _ = select.select([orders], [], [], LOOK_SECONDS)
            if not readable:
                yield b""
            elif line := orders.readline():
                yield line
            else:
                return


def _born(run: Callable[[], None], order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code: Any = 1
    try:
        CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for descriptor, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(source, descriptor)
        os.environ.clear()
        os.environ.update(order["env"])
        run()
        code = 0
    except SystemExit as error:
        code = error.code
    finally:
        os._exit(code)


def _ended(children: set[int]) -> list[tuple[int, int]]:
    waited = [os.waitpid(pid, os.WNOHANG) for pid in children]
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in waited if pid]


if __name__ == "__main__":
    main()
