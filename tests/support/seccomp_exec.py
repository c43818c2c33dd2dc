"""Runs a command under an OCI seccomp profile, as a container runtime would: seccomp_exec.py PROFILE COMMAND...

Without privileges to gain, and as an unprivileged user where it is started by root.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

NOBODY = 65534
PR_SET_NO_NEW_PRIVS = 38
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_OPERATORS = {"SCMP_CMP_LT": 2, "SCMP_CMP_EQ": 4, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}


class _Argument(ctypes.Structure):
    _fields_ = (("index", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def apply(profile: dict[str, Any]) -> None:
    """Filter the calls of this process from now on."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_action(profile)))
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            # A name that this library does not know is a call of a later kernel or another architecture.
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                _add(library, context, number, rule)
    _checked(library.seccomp_load(context), "load")


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, number: int, rule: dict[str, Any]) -> None:
    given = rule.get("args", [])
    arguments = (_Argument * max(len(given), 1))(
        *(_Argument(item["index"], _OPERATORS[item["op"]], item["value"], item.get("valueTwo", 0)) for item in given)
    )
    done = library.seccomp_rule_add_array(context, ctypes.c_uint32(_action(rule)), number, len(given), arguments)
    _checked(done, f"rule for {rule['names']}")


def _action(rule: dict[str, Any]) -> int:
    if rule.get("action", rule.get("defaultAction")) == "SCMP_ACT_ALLOW":
        return _ALLOW
    return _ERRNO | int(rule.get("errnoRet", rule.get("defaultErrnoRet", 1)))


def _checked(code: int, what: str) -> None:
    if code != 0:
        raise OSError(-code, f"{os.strerror(-code)}: {what}")


def main() -> None:
    """Become the command."""
    profile = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    _checked(ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    apply(profile)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the point of the script


if __name__ == "__main__":
    main()
