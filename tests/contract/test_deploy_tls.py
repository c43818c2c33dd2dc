"""The overlay that puts gRPC over TLS, against the code that it configures."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate_configuration import MODELS, variable

KUBERNETES = Path(__file__).parents[2] / "deploy" / "k8s"
MOUNT = "/etc/pressline/tls"
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], Manifest]:
    """Everything in the overlay, by kind and name."""
    command = [str(KUBERNETES / "render.sh"), str(KUBERNETES / "overlays" / "prod-tls")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=280)
    found = [item for item in yaml.safe_load_all(done.stdout) if item]
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def container(objects: dict[tuple[str, str], Manifest], service: str) -> Manifest:
    (found,) = objects["Deployment", service]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def settings(objects: dict[tuple[str, str], Manifest], service: str) -> dict[str, str]:
    (source,) = container(objects, service)["envFrom"]
    return dict(objects["ConfigMap", source["configMapRef"]["name"]]["data"])


@pytest.mark.parametrize("service", MODELS)
def test_every_file_is_mounted_and_every_setting_known(objects: dict[tuple[str, str], Manifest], service: str) -> None:
    given = settings(objects, service)
    assert set(given) <= {variable(name) for name in MODELS[service].model_fields}
    files = {value for name, value in given.items() if "_TLS_" in name}
    assert files == {f"{MOUNT}/{name}" for name in ("ca.crt", "tls.crt", "tls.key")}
    mounts = {mount["name"]: mount for mount in container(objects, service)["volumeMounts"]}
    assert (mounts["tls"]["mountPath"], mounts["tls"]["readOnly"]) == (MOUNT, True)
    volumes = objects["Deployment", service]["spec"]["template"]["spec"]["volumes"]
    (secret,) = [volume["secret"] for volume in volumes if volume["name"] == "tls"]
    # Readable to the group that files of the pod belong to, and to nobody else.
    assert secret == {"secretName": "pressline-tls", "defaultMode": 0o440}


def test_both_ends_of_every_connection_speak_tls(objects: dict[tuple[str, str], Manifest]) -> None:
    scheduler = settings(objects, "scheduler")
    for listener in ("SCHEDULER", "SCHEDULER_INTERNAL"):
        assert {f"PRESSLINE_{listener}_TLS_CERT", f"PRESSLINE_{listener}_TLS_KEY"} <= set(scheduler)
    assert "PRESSLINE_SCHEDULER_INTERNAL_TLS_CLIENT_CA" in scheduler
    assert "PRESSLINE_SCHEDULER_TLS_CA" in settings(objects, "gateway")
    shown = {"PRESSLINE_SCHEDULER_INTERNAL_TLS_CA", "PRESSLINE_CLIENT_TLS_CERT", "PRESSLINE_CLIENT_TLS_KEY"}
    for service in ("gateway", "renderer", "notifier"):
        assert shown <= set(settings(objects, service))


def test_probes_ask_where_nothing_is_encrypted(objects: dict[tuple[str, str], Manifest]) -> None:
    port = int(settings(objects, "scheduler")["PRESSLINE_SCHEDULER_HEALTH_LISTEN"].rpartition(":")[2])
    probes = container(objects, "scheduler")
    assert {probes[name]["grpc"]["port"] for name in ("startupProbe", "readinessProbe", "livenessProbe")} == {port}
