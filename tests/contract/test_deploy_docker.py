"""The images and the Compose file against the code and the project's metadata."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate_configuration import MODELS, variable
from services.common.rpc import Server
from services.common.tls import ListenerTls
from tests.support.certificates import Authority

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
DATA_STORES = ("mongodb", "nats", "minio")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def stages() -> dict[str, str]:
    """The text of each stage of the Dockerfile by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"])


def image_environment(stage: str) -> dict[str, str]:
    return dict(re.findall(r"(PRESSLINE_\w+)=(\S+)", stage))


@pytest.mark.parametrize("service", MODELS)
def test_an_image_starts_the_services_own_script(service: str, project: dict[str, Any], stages: dict[str, str]) -> None:
    script = f"pressline-{service}"
    assert script in project["project"]["scripts"]
    assert re.search(rf'^ENTRYPOINT \[.*"/opt/{service}/bin/{script}"\]$', stages[service], re.MULTILINE)
    assert f"requirements/{service}.lock" in stages[f"{service}-libraries"]
    assert f"--from={service}-libraries /opt/{service} /opt/{service}" in stages[service]


@pytest.mark.parametrize("service", MODELS)
def test_an_image_listens_where_it_says(service: str, stages: dict[str, str]) -> None:
    given = image_environment(stages[service])
    fields = MODELS[service].model_fields
    assert set(given) <= {variable(name) for name in fields}
    addresses = {variable(name): field.default for name, field in fields.items() if name.endswith("_listen")}
    # One without a default is not there unless it is asked for.
    listeners = {name: default for name, default in addresses.items() if default is not None}
    assert listeners
    for name, default in listeners.items():
        assert given[name] == default.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - a container's own network
    exposed = re.findall(r"^EXPOSE (.*)$", stages[service], re.MULTILINE)[0].split()
    assert sorted(exposed) == sorted(default.rpartition(":")[2] for default in listeners.values())
    asked = re.findall(r'"(?:http|grpc)://127\.0\.0\.1:(\d+)', stages[service])
    assert len(asked) == 1
    assert asked[0] in exposed


def test_images_do_not_run_as_root(stages: dict[str, str]) -> None:
    users = {name: re.findall(r"^USER (\S+)$", text, re.MULTILINE) for name, text in stages.items()}
    assert users["runtime"][-1] == users["renderer"][-1] == "10001:10001"
    assert not any(users[service] for service in MODELS if service != "renderer")


@pytest.mark.parametrize("service", MODELS)
def test_a_lock_holds_the_libraries_of_its_service_alone(service: str, project: dict[str, Any]) -> None:
    extras = {name: {_name(item) for item in project["project"]["optional-dependencies"][name]} for name in MODELS}
    lock = (ROOT / "requirements" / f"{service}.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {_name(item) for item in project["project"]["dependencies"]} | extras[service] <= locked
    others = set().union(*extras.values()) - extras[service]
    assert not others & locked
    assert lock.count("--hash=sha256:") >= len(locked)


def test_the_build_lock_is_what_the_build_requires(project: dict[str, Any]) -> None:
    assert project["dependency-groups"]["build"] == project["build-system"]["requires"]
    lock = (ROOT / "requirements" / "build.lock").read_text()
    for requirement in project["build-system"]["requires"]:
        assert re.search(rf"^{re.escape(requirement)} ", lock, re.MULTILINE)


@pytest.mark.parametrize("service", MODELS)
def test_compose_gives_the_settings_that_a_service_knows_and_requires(service: str, compose: dict[str, Any]) -> None:
    given = set(compose[service]["environment"])
    fields = MODELS[service].model_fields
    assert given <= {variable(name) for name in fields}
    assert {variable(name) for name, field in fields.items() if field.is_required()} <= given


def test_compose_names_every_value_that_the_example_file_explains(compose: dict[str, Any]) -> None:
    text = yaml.safe_dump(compose)
    used = set(re.findall(r"\$\{(\w+)", text))
    explained = set(re.findall(r"^(\w+)=", (DOCKER / ".env.example").read_text(), re.MULTILINE))
    assert used == explained


def test_compose_and_the_development_overlay_run_the_same_data_stores(compose: dict[str, Any]) -> None:
    for store in DATA_STORES:
        manifests = yaml.safe_load_all((ROOT / "deploy/k8s/overlays/dev" / f"{store}.yaml").read_text())
        (workload,) = [item for item in manifests if item["kind"] == "StatefulSet"]
        assert compose[store]["image"] == workload["spec"]["template"]["spec"]["containers"][0]["image"]


def test_renderers_share_no_network_that_leads_out(compose: dict[str, Any]) -> None:
    networks = yaml.safe_load((DOCKER / "compose.yaml").read_text())["networks"]
    assert compose["renderer"]["networks"] == ["internal", "remote"]
    assert [name for name, service in compose.items() if "remote" in service["networks"]] == ["renderer"]
    assert networks["internal"] == {"internal": True}
    profile = next(item for item in compose["renderer"]["security_opt"] if item.startswith("seccomp:"))
    assert (DOCKER / profile.removeprefix("seccomp:")).is_file()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_the_health_check_tells_serving_from_not_serving(unused_port: int) -> None:
    server = Server(f"127.0.0.1:{unused_port}", token="secret")
    check = f"grpc://127.0.0.1:{unused_port}"
    assert await _exit_code(check) == 1
    await server.start()
    try:
        assert await _exit_code(check) == 0
        await server.set_serving(False)
        assert await _exit_code(check) == 1
    finally:
        await server.stop(0)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_health_check_asks_over_http(scheme: str, tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("gateway", "api.example.com")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if request.startswith(b"GET /readyz ") else b"503 Service Unavailable"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    tls = ListenerTls(own.cert, own.key).context() if scheme == "https" else None
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        address = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await _exit_code(f"{address}/readyz") == 0
        assert await _exit_code(f"{address}/other") == 1


async def _exit_code(url: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(DOCKER / "healthcheck.py"), url, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        return await process.wait()


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0].lower()
