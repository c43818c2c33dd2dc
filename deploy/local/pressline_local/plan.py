"""What runs, in the order in which it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pressline_local import servers
from pressline_local.folder import DataFolder
from pressline_local.ports import HeldPorts
from pressline_local.program import Program
from pressline_local.servers import Server
from pressline_local.services import Options, Services


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        given: servers that are not ours; they are only asked whether they serve.
        stages: each starts when the one before it is ready, and is stopped before it.
    """

    given: list[Server]
    stages: list[list[Program]]


class KeptPorts:
    """Ports by name, the same in every run of a data folder."""

    def __init__(self, folder: DataFolder, held: HeldPorts) -> None:
        self._folder = folder
        self._held = held

    def __call__(self, name: str) -> int:
        """The port of a name, chosen at the first call ever and held from the first call of this run.

        Raises:
            LocalError: there is none, or another program sits on it.
        """
        state = self._folder.state()
        if name in state["ports"]:
            port = int(state["ports"][name])
            self._held.hold(port, f"it is kept for {name}, so end the program that uses it")
            return port
        port = self._held.choose()
        state["ports"][name] = port
        self._folder.keep_state(state)
        return port


def make(folder: DataFolder, options: Options, held: HeldPorts, caller: Mapping[str, str]) -> Plan:
    """Choose ports, binaries and settings.

    Raises:
        LocalError: something is missing; the text is a sentence for the user.
    """
    held.hold(options.port, "choose another with --port")
    held.hold(options.grpc_port, "choose another with --grpc-port")
    port_of = KeptPorts(folder, held)
    found = [make_server(folder, port_of, caller) for make_server in (servers.nats, servers.mongodb, servers.s3)]
    settings = {name: value for server in found for name, value in server.settings.items()}
    services = Services(options, folder.secrets(), settings, port_of, caller)
    return Plan(
        given=[server for server in found if server.program is None],
        stages=[
            [server.program for server in found if server.program is not None],
            [services.scheduler()],
            [services.gateway(), *services.renderers(), services.notifier()],
        ],
    )
