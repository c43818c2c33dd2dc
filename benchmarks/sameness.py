"""The same rows rendered twice, by two engines: how many files are the same byte for byte, in every format.

python -m benchmarks.sameness --items 100

It ends with 1 when any file differs.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys

from benchmarks.cases import CASES, Case
from benchmarks.contestants import at_once
from benchmarks.engine_alone import ITEM_SECONDS, engine_at_once, jobs_of
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget


def main() -> None:
    """Render, compare, print; end with 1 when any file differs."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--items", type=int, default=100, help="files of each case")
    sys.exit(asyncio.run(differing(options.parse_args().items)) > 0)


async def differing(count: int) -> int:
    """Print how many files of each case are the same; how many are not."""
    # One after the other, so that the second knows nothing of the first.
    first = await all_digests(count)
    second = await all_digests(count)
    for case in CASES:
        same = sum(map(str.__eq__, first[case.name], second[case.name]))
        print(f"{case.name}: {same} of {count} are the same")
    return sum(one != other for name in first for one, other in zip(first[name], second[name], strict=True))


async def all_digests(count: int) -> dict[str, list[str]]:
    """SHA-256 of every file, by case, from an engine of its own."""
    async with engine_at_once() as (engine, many):
        return {case.name: await digests(engine, many, case, count) for case in CASES}


async def digests(engine: Engine, many: int, case: Case, count: int) -> list[str]:
    """SHA-256 of the files of a case."""
    jobs, found = jobs_of(case, count), [""] * count

    async def render(number: int) -> bytes:
        data = (await engine.render(jobs[number], Budget(ITEM_SECONDS))).data
        found[number] = hashlib.sha256(data).hexdigest()
        return data

    await at_once(many, count, render)
    return found


if __name__ == "__main__":
    main()
