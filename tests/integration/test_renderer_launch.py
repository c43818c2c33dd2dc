"""Browsers that do not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.renderer.engine import launcher
from services.renderer.engine.browser import Launcher
from services.renderer.engine.model import BrowserUnavailableError
from services.renderer.engine.workspace import Workspace


async def starts_nothing(program: str, folder: Path) -> None:
    workspace = Workspace(folder)
    browsers = Launcher(program, workspace, sandbox=True, memory_mb=512)
    try:
        with pytest.raises(BrowserUnavailableError):
            await browsers.launch()
        assert list(workspace.path.iterdir()) == []
    finally:
        await browsers.close()
        workspace.close()


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/chromium"])
async def test_a_program_that_is_no_browser_is_told_and_leaves_nothing(program: str, tmp_path: Path) -> None:
    await starts_nothing(program, tmp_path)


async def test_a_command_that_cannot_be_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "command", lambda *_arguments, **_options: [str(tmp_path / "nothing")])
    await starts_nothing("chromium", tmp_path)
