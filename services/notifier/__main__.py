"""Start the notifier: `pressline-notifier`."""

from __future__ import annotations

from services.common import lifecycle
from services.notifier.app import serve
from services.notifier.settings import NotifierSettings


def main() -> None:
    """Run until SIGTERM."""
    lifecycle.run("notifier", NotifierSettings, serve)


if __name__ == "__main__":
    main()
