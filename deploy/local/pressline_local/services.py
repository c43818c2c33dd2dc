"""The four services as local processes. Each gets the settings it needs and no other's secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pressline_local import binaries, probes
from pressline_local.folder import Secrets
from pressline_local.ports import HOST
from pressline_local.program import Probe, Program
from pressline_local.servers import PortOf

# A service drains for up to 30 s and is gone 5 s later.
GRACE_SECONDS = 40
# The browsers share the processor with the servers: a second page each renders a tenth more, and everybody else waits
# a fifth longer for every answer.
PAGES = "1"
# Settings that only some services may see, by the prefix of their names.
_GUARDED = ("PRESSLINE_SECRET_KEY", "PRESSLINE_SERVICE_TOKEN", "PRESSLINE_MONGODB_", "PRESSLINE_NATS_", "PRESSLINE_S3_")


@dataclass(frozen=True)
class Options:
    """What the user chooses."""

    port: int
    grpc_port: int
    renderers: int

    @property
    def api(self) -> str:
        """The REST API's base URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def grpc(self) -> str:
        """The address of the public gRPC listener."""
        return f"{HOST}:{self.grpc_port}"


class Services:
    """Makes the programs of the services.

    Args:
        options: what the user chose.
        secrets: those of the data folder.
        settings: the variables that lead to the servers.
        port_of: the kept port of a name.
        caller: the environment of whoever started us; its settings are passed on.
    """

    def __init__(
        self,
        options: Options,
        secrets: Secrets,
        settings: Mapping[str, str],
        port_of: PortOf,
        caller: Mapping[str, str],
    ) -> None:
        self._options = options
        self._settings = {**caller, **settings}
        self._settings.setdefault("PRESSLINE_SECRET_KEY", secrets.secret_key)
        self._port_of = port_of
        self._shared = {
            **{name: value for name, value in caller.items() if not name.startswith(_GUARDED) and not _is_tls(name)},
            "PRESSLINE_SERVICE_TOKEN": secrets.service_token,
            "PRESSLINE_SCHEDULER_ADDRESS": options.grpc,
            "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": self._address("scheduler.internal"),
        }

    def scheduler(self) -> Program:
        """The owner of all state."""
        listen = {
            "PRESSLINE_SCHEDULER_LISTEN": self._options.grpc,
            "PRESSLINE_SCHEDULER_INTERNAL_LISTEN": self._address("scheduler.internal"),
        }
        needs = self._of("PRESSLINE_SECRET_KEY", "PRESSLINE_MONGODB_", "PRESSLINE_NATS_", "PRESSLINE_S3_")
        return self._program("scheduler", {**listen, **needs}, partial(probes.grpc_health, self._options.grpc))

    def gateway(self) -> Program:
        """The REST API."""
        listen = {"PRESSLINE_GATEWAY_LISTEN": f"{HOST}:{self._options.port}"}
        return self._program("gateway", listen, partial(probes.http_ready, f"{self._options.api}/readyz"))

    def notifier(self) -> Program:
        """The sender of webhooks."""
        address = self._address("notifier")
        settings = {"PRESSLINE_NOTIFIER_HEALTH_LISTEN": address, **self._of("PRESSLINE_NATS_")}
        return self._program("notifier", settings, partial(probes.grpc_health, address))

    def renderers(self) -> list[Program]:
        """As many renderers as were asked for, numbered from 1."""
        programs = []
        for number in range(1, self._options.renderers + 1):
            name = f"renderer-{number}"
            address = self._address(name)
            settings = {
                "PRESSLINE_RENDERER_HEALTH_LISTEN": address,
                "PRESSLINE_RENDERER_PAGES": self._settings.get("PRESSLINE_RENDERER_PAGES", PAGES),
                **self._of("PRESSLINE_NATS_", "PRESSLINE_S3_"),
            }
            programs.append(self._program(name, settings, partial(probes.grpc_health, address)))
        return programs

    def _address(self, name: str) -> str:
        return f"{HOST}:{self._port_of(name)}"

    def _of(self, *prefixes: str) -> dict[str, str]:
        return {name: value for name, value in self._settings.items() if name.startswith(prefixes)}

    def _program(self, name: str, settings: Mapping[str, str], ready: Probe) -> Program:
        script = binaries.packaged(f"pressline-{name.partition('-')[0]}")
        return Program(name, (script,), {**self._shared, **settings}, ready, GRACE_SECONDS)


def _is_tls(name: str) -> bool:
    """Whether a setting is about TLS. Nothing is served beyond this machine here, so nothing is encrypted."""
    return name.startswith("PRESSLINE_") and "_TLS_" in name
