"""Start the renderer: `pressline-renderer`."""

from __future__ import annotations

from services.common import lifecycle
from services.renderer.app import serve
from services.renderer.settings import RendererSettings


def main() -> None:
    """Run until SIGTERM."""
    lifecycle.run("renderer", RendererSettings, serve)


if __name__ == "__main__":
    main()
