"""The servers that the services need. Each is the operator's own, by its URL, or one that we run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pressline_local import binaries, probes
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder
from pressline_local.ports import HOST
from pressline_local.program import Probe, Program
from services.common.settings import BlobSettings

# Gives the kept port of a name.
PortOf = Callable[[str], int]
GRACE_SECONDS = 10
# What a server may know of the caller's environment; settings for us, and keys for others, are not its business.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_WEED_PORTS = {
    "master.port": "s3.master",
    "master.port.grpc": "s3.master-grpc",
    "volume.port": "s3.volume",
    "volume.port.grpc": "s3.volume-grpc",
    "filer.port": "s3.filer",
    "filer.port.grpc": "s3.filer-grpc",
    "s3.port": "s3",
    "s3.port.grpc": "s3.grpc",
    "admin.port": "s3.admin",
    "admin.port.grpc": "s3.admin-grpc",
}
_WEED_FLAGS = (
    f"-ip={HOST}",
    f"-ip.bind={HOST}",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
)


@dataclass(frozen=True)
class Server:
    """A server as the services see it.

    Attributes:
        name: its name in messages.
        settings: the `PRESSLINE_*` variables that lead to it.
        ready: raises as long as it does not serve.
        program: what to run; None when it is the operator's own.
    """

    name: str
    settings: Mapping[str, str]
    ready: Probe
    program: Program | None


def nats(folder: DataFolder, port_of: PortOf, caller: Mapping[str, str]) -> Server:
    """NATS with JetStream."""
    if url := caller.get("PRESSLINE_NATS_URL"):
        return Server("nats", {"PRESSLINE_NATS_URL": url}, partial(probes.nats, url), None)
    port = port_of("nats")
    binary = binaries.on_path("nats-server") or binaries.packaged("nats-server")
    command = (binary, "-a", HOST, "-p", str(port), "-js", "-sd", str(folder.path / "nats"))
    url = f"nats://{HOST}:{port}"
    ready = partial(probes.nats, url)
    return Server("nats", {"PRESSLINE_NATS_URL": url}, ready, _program("nats", command, ready))


def mongodb(folder: DataFolder, port_of: PortOf, caller: Mapping[str, str]) -> Server:
    """MongoDB, or the server that speaks its protocol on top of SQLite."""
    if url := caller.get("PRESSLINE_MONGODB_URL"):
        return Server("mongodb", {"PRESSLINE_MONGODB_URL": url}, partial(probes.mongodb, url), None)
    port = port_of("mongodb")
    if _mongodb_kind(folder) == "mongod":
        binary = binaries.on_path("mongod")
        if binary is None:
            raise LocalError(f"{folder.path} was made with mongod, which is no longer on PATH.")
        command = _mongod(binary, folder, port)
        # A server on its own has no transaction numbers, which retried writes need.
        url = f"mongodb://{HOST}:{port}/?retryWrites=false"
    else:
        command = _nx(binaries.packaged("nx-27017"), folder, port)
        url = f"mongodb://{HOST}:{port}"
    ready = partial(probes.mongodb, url)
    # Left behind by a kill, it would keep nx-27017 from starting whenever its pid has come to life again.
    stale = (_nx_pid_file(folder),)
    return Server("mongodb", {"PRESSLINE_MONGODB_URL": url}, ready, _program("mongodb", command, ready, stale))


def s3(folder: DataFolder, port_of: PortOf, caller: Mapping[str, str]) -> Server:
    """Object storage."""
    given = {name: value for name, value in caller.items() if name.startswith("PRESSLINE_S3_")}
    if "PRESSLINE_S3_URL" in given:
        if not {"PRESSLINE_S3_ACCESS_KEY", "PRESSLINE_S3_SECRET_KEY"} <= given.keys():
            raise LocalError("With PRESSLINE_S3_URL go PRESSLINE_S3_ACCESS_KEY and PRESSLINE_S3_SECRET_KEY.")
        return Server("s3", given, partial(_s3_ready, given), None)
    secrets = folder.secrets()
    settings = {
        **given,
        "PRESSLINE_S3_URL": f"http://{HOST}:{port_of('s3')}",
        "PRESSLINE_S3_ACCESS_KEY": secrets.s3_access_key,
        "PRESSLINE_S3_SECRET_KEY": secrets.s3_secret_key,
    }
    data = folder.path / "s3"
    data.mkdir(exist_ok=True)
    ports = {flag: port_of(name) for flag, name in _WEED_PORTS.items()}
    binary = binaries.on_path("weed") or binaries.packaged("weed")
    flags = (*_WEED_FLAGS, *(f"-{flag}={port}" for flag, port in ports.items()))
    command = (binary, "-logtostderr", "mini", f"-dir={data}", *flags)
    stale = tuple(_weed_socket(flag, port) for flag, port in ports.items())
    environment = {
        "GOMEMLIMIT": "300MiB",
        "AWS_ACCESS_KEY_ID": secrets.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": secrets.s3_secret_key,
    }
    ready = partial(_s3_ready, settings)
    return Server("s3", settings, ready, _program("s3", command, ready, stale, environment))


async def _s3_ready(settings: Mapping[str, str]) -> None:
    fields = {name.removeprefix("PRESSLINE_").lower(): value for name, value in settings.items()}
    await probes.s3(BlobSettings.model_validate(fields))


def _mongodb_kind(folder: DataFolder) -> str:
    # Chosen once: another server would not find the data of the first.
    state = folder.state()
    if "mongodb" not in state["kinds"]:
        state["kinds"]["mongodb"] = "mongod" if binaries.on_path("mongod") else "nx-27017"
        folder.keep_state(state)
    return str(state["kinds"]["mongodb"])


def _mongod(binary: str, folder: DataFolder, port: int) -> tuple[str, ...]:
    data = folder.path / "mongodb"
    data.mkdir(exist_ok=True)
    return (binary, "--dbpath", str(data), "--port", str(port), "--bind_ip", HOST, "--nounixsocket")


def _nx(binary: str, folder: DataFolder, port: int) -> tuple[str, ...]:
    data = folder.path / "mongodb"
    data.mkdir(exist_ok=True)
    # What it logs to a file it prints as well.
    files = ("--pid-file", str(_nx_pid_file(folder)), "--log-file", os.devnull)
    return (binary, "--data-dir", str(data), "--host", HOST, "--port", str(port), *files)


def _nx_pid_file(folder: DataFolder) -> Path:
    return folder.path / "mongodb.pid"


def _weed_socket(flag: str, port: int) -> Path:
    # Of each port it makes a socket too, which it removes only when it ends in order.
    role, _, kind = flag.partition(".port")
    return Path("/tmp") / f"seaweedfs-{role}{kind.replace('.', '-')}-{port}.sock"  # noqa: S108 - its choice, not ours


def _program(
    name: str,
    command: tuple[str, ...],
    ready: Probe,
    stale: tuple[Path, ...] = (),
    extra: Mapping[str, str] | None = None,
) -> Program:
    environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return Program(name, command, {**environment, **(extra or {})}, ready, GRACE_SECONDS, stale)
