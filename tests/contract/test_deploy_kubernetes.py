"""The rendered manifests against the code that they run."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate_configuration import MODELS, variable
from services.common import addresses, bus

KUBERNETES = Path(__file__).parents[2] / "deploy" / "k8s"
DEVELOPMENT_SECRET = "pressline-secrets"
Manifest = dict[str, Any]


class Rendered:
    """The objects of one overlay."""

    def __init__(self, overlay: str) -> None:
        command = [str(KUBERNETES / "render.sh"), str(KUBERNETES / "overlays" / overlay)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=280)
        self.objects: list[Manifest] = [item for item in yaml.safe_load_all(done.stdout) if item]

    def of_kind(self, kind: str) -> list[Manifest]:
        return [item for item in self.objects if item["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        """The object of this name, or of this name and the hash that generated ones carry."""
        (found,) = [
            item
            for item in self.of_kind(kind)
            if item["metadata"]["name"] == name or item["metadata"]["name"].rpartition("-")[0] == name
        ]
        return found

    def container(self, service: str) -> Manifest:
        (container,) = self.one("Deployment", service)["spec"]["template"]["spec"]["containers"]
        return dict(container)


@pytest.fixture(scope="module")
def overlays() -> dict[str, Rendered]:
    return {overlay: Rendered(overlay) for overlay in ("dev", "prod")}


@pytest.fixture(scope="module", params=["dev", "prod"])
def rendered(request: pytest.FixtureRequest, overlays: dict[str, Rendered]) -> Rendered:
    return overlays[request.param]


def environment(rendered: Rendered, secrets: Manifest, service: str) -> dict[str, str]:
    """What the container of a service finds in its environment."""
    container = rendered.container(service)
    settings: dict[str, str] = {}
    for source in container["envFrom"]:
        settings |= rendered.one("ConfigMap", source["configMapRef"]["name"])["data"]
    for item in container["env"]:
        reference = item["valueFrom"]["secretKeyRef"]
        assert reference["name"].startswith(DEVELOPMENT_SECRET)
        settings[item["name"]] = secrets[reference["key"]]
    return settings


@pytest.fixture
def secrets(overlays: dict[str, Rendered]) -> Manifest:
    """The development values by key: prod names the same keys and leaves the values to its operator."""
    data = overlays["dev"].one("Secret", DEVELOPMENT_SECRET)["data"]
    return {key: yaml.safe_load(f"!!binary {value}").decode() for key, value in data.items()}


@pytest.mark.parametrize("service", MODELS)
def test_settings_are_known_and_sufficient(
    rendered: Rendered, secrets: Manifest, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(rendered, secrets, service)
    known = {variable(name) for name in MODELS[service].model_fields}
    assert set(given) <= known
    for name in known:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    MODELS[service]()


def test_clients_call_the_ports_that_the_scheduler_serves(rendered: Rendered, secrets: Manifest) -> None:
    service = rendered.one("Service", "scheduler")
    assert service["spec"]["clusterIP"] == "None"
    served = {port["name"]: f"scheduler:{port['port']}" for port in service["spec"]["ports"]}
    for client in ("gateway", "renderer", "notifier"):
        assert environment(rendered, secrets, client)["PRESSLINE_SCHEDULER_INTERNAL_ADDRESS"] == served["internal"]
    assert environment(rendered, secrets, "gateway")["PRESSLINE_SCHEDULER_ADDRESS"] == served["grpc"]


@pytest.mark.parametrize(
    ("service", "listeners"),
    [
        ("gateway", ["gateway_listen"]),
        ("scheduler", ["scheduler_listen", "scheduler_internal_listen"]),
        ("renderer", ["renderer_health_listen"]),
        ("notifier", ["notifier_health_listen"]),
    ],
)
def test_ports_are_those_of_the_settings(rendered: Rendered, service: str, listeners: list[str]) -> None:
    container = rendered.container(service)
    defaults = [MODELS[service].model_fields[name].default for name in listeners]
    assert [port["containerPort"] for port in container["ports"]] == [int(item.rpartition(":")[2]) for item in defaults]
    names = {port["name"] for port in container["ports"]} | {port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        kind = "httpGet" if service == "gateway" else "grpc"
        assert container[probe][kind]["port"] in names


def test_there_is_time_to_drain(rendered: Rendered) -> None:
    for service, model in MODELS.items():
        pod = rendered.one("Deployment", service)["spec"]["template"]["spec"]
        sleep = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] >= sleep + model.model_fields["drain_seconds"].default + 5


def test_renderers_scale_on_the_consumers_that_the_bus_declares(rendered: Rendered) -> None:
    spec = rendered.one("ScaledObject", "renderer")["spec"]
    watched = [(item["metadata"]["stream"], item["metadata"]["consumer"]) for item in spec["triggers"]]
    assert watched == [(bus.FAST.stream, bus.FAST.durable), (bus.BULK.stream, bus.BULK.durable)]
    assert spec["minReplicaCount"] == 1
    assert spec["scaleTargetRef"]["name"] == "renderer"
    assert "replicas" not in rendered.one("Deployment", "renderer")["spec"]


def test_the_scaling_target_is_the_pages_of_a_renderer(rendered: Rendered, secrets: Manifest) -> None:
    settings = environment(rendered, secrets, "renderer")
    pages = int(settings["PRESSLINE_RENDERER_BROWSERS"]) * int(settings["PRESSLINE_RENDERER_PAGES"])
    modifiers = rendered.one("ScaledObject", "renderer")["spec"]["advanced"]["scalingModifiers"]
    assert modifiers["target"] == str(pages)


def test_production_keeps_running_when_a_pod_or_a_server_is_lost(
    overlays: dict[str, Rendered], secrets: Manifest
) -> None:
    production = overlays["prod"]
    for service in ("gateway", "scheduler", "notifier"):
        assert production.one("Deployment", service)["spec"]["replicas"] >= 2
    for service in ("scheduler", "renderer", "notifier"):
        assert environment(production, secrets, service)["PRESSLINE_NATS_REPLICAS"] == "3"
    assert {item["metadata"]["name"] for item in production.of_kind("PodDisruptionBudget")} == set(MODELS)
    assert production.of_kind("Secret") == []


def test_pods_are_confined(rendered: Rendered) -> None:
    for workload in rendered.of_kind("Deployment") + rendered.of_kind("StatefulSet"):
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "tmp" in {mount["name"] for mount in container["volumeMounts"]}


def test_only_the_renderer_has_chromiums_seccomp_profile(rendered: Rendered) -> None:
    for workload in rendered.of_kind("Deployment"):
        profile = workload["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
        if workload["metadata"]["name"] == "renderer":
            assert (KUBERNETES / "seccomp" / profile["localhostProfile"]).is_file()
        else:
            assert profile == {"type": "RuntimeDefault"}


def peers(rendered: Rendered, service: str) -> set[tuple[str, int]]:
    """(name, port) pairs of the pods that a service may call."""
    return {
        (peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"], port["port"])
        for rule in rendered.one("NetworkPolicy", service)["spec"]["egress"]
        for peer in rule["to"]
        if "podSelector" in peer
        for port in rule["ports"]
    }


def test_services_reach_what_they_need_and_nothing_else(rendered: Rendered) -> None:
    deny = rendered.one("NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert peers(rendered, "gateway") == {("scheduler", 9090), ("scheduler", 9091)}
    assert peers(rendered, "scheduler") == {("mongodb", 27017), ("nats", 4222), ("minio", 9000)}
    assert peers(rendered, "renderer") == {("scheduler", 9091), ("nats", 4222), ("minio", 9000)}
    assert peers(rendered, "notifier") == {("scheduler", 9091), ("nats", 4222)}


def blocks(rendered: Rendered) -> Iterator[tuple[str, Manifest, tuple[int, ...]]]:
    """What is open outside of the cluster: for which pods, where, and at which ports."""
    for policy in rendered.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    pods = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                    yield pods, peer["ipBlock"], tuple(port["port"] for port in rule["ports"])


def test_only_notifiers_and_renderers_reach_the_internet(rendered: Rendered) -> None:
    assert {(pods, ports) for pods, _, ports in blocks(rendered)} == {("notifier", (1,)), ("renderer", (80, 443))}


@pytest.mark.parametrize("service", ["notifier", "renderer"])
def test_the_internet_is_public_addresses_alone(rendered: Rendered, service: str) -> None:
    v4, v6 = (block for pods, block, _ in blocks(rendered) if pods == service)
    refused = [ipaddress.ip_network(item) for item in v4["except"]]
    assert refused == list(addresses._REFUSED_V4)
    excepted = {ipaddress.IPv6Network(item) for item in v6["except"]}
    # Kubernetes takes exceptions from within the block only.
    assert all(network.subnet_of(ipaddress.IPv6Network(v6["cidr"])) for network in excepted)
    # 6to4 carries an IPv4 address that a network policy cannot look into.
    assert excepted == {*addresses._REFUSED_V6, ipaddress.IPv6Network("2002::/16")}
    assert ipaddress.ip_network(v6["cidr"]) == addresses._GLOBAL_UNICAST
