"""The process that merges: reads what to do as JSON from its standard input, writes what came of it to its output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from services.renderer import child
from services.renderer.archives.merging import merge
from services.renderer.archives.parts import Part, UnmergeableError

MEMORY_BYTES = 1536 * 1024 * 1024
TOO_LARGE = "TOO_LARGE"
_OUT_OF_MEMORY = "The merged PDF needs more memory than there is; a ZIP holds any number of files."


def main() -> None:
    """Merge once."""
    child.confine(MEMORY_BYTES)
    job = json.load(sys.stdin)
    result: dict[str, object]
    try:
        parts = [Part(**part) for part in job["parts"]]
        result = {"pages": merge(parts, Path(job["folder"]), Path(job["out"]))}
    except UnmergeableError as error:
        result = {"code": error.code, "message": error.message}
    except MemoryError:
        result = {"code": TOO_LARGE, "message": _OUT_OF_MEMORY}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
