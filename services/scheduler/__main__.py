"""The scheduler process."""

from __future__ import annotations

from services.common import lifecycle
from services.scheduler.app import serve
from services.scheduler.settings import SchedulerSettings


def main() -> None:
    """Run it."""
    lifecycle.run("scheduler", SchedulerSettings, serve)


if __name__ == "__main__":
    main()
