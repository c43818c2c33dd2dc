"""Which settings each local service is given."""

from __future__ import annotations

import pytest

from pressline_local.folder import Secrets
from pressline_local.services import Options, Services

SECRETS = Secrets(secret_key="a" * 64, service_token="token", s3_access_key="access", s3_secret_key="secret")
SERVERS = {
    "PRESSLINE_NATS_URL": "nats://127.0.0.1:1",
    "PRESSLINE_MONGODB_URL": "mongodb://127.0.0.1:2",
    "PRESSLINE_S3_URL": "http://127.0.0.1:3",
    "PRESSLINE_S3_ACCESS_KEY": "access",
    "PRESSLINE_S3_SECRET_KEY": "secret",
}
PORTS = {"scheduler.internal": 20_000, "renderer-1": 20_001, "renderer-2": 20_002, "notifier": 20_003}


def services(**caller: str) -> Services:
    return Services(Options(port=8080, grpc_port=9090, renderers=2), SECRETS, SERVERS, PORTS.__getitem__, caller)


def pressline_settings(environment: object) -> set[str]:
    assert isinstance(environment, dict)
    return {name for name in environment if name.startswith("PRESSLINE_")}


def test_only_the_scheduler_sees_the_database_and_the_secret_key() -> None:
    made = services(PRESSLINE_MONGODB_URL="mongodb://user:password@db", PRESSLINE_SECRET_KEY="b" * 64)
    guarded = {"PRESSLINE_MONGODB_URL", "PRESSLINE_SECRET_KEY"}
    assert guarded <= pressline_settings(made.scheduler().environment)
    for program in (made.gateway(), made.notifier(), *made.renderers()):
        assert not guarded & pressline_settings(program.environment), program.name


def test_the_gateway_is_given_no_server() -> None:
    assert pressline_settings(services().gateway().environment) == {
        "PRESSLINE_GATEWAY_LISTEN",
        "PRESSLINE_SCHEDULER_ADDRESS",
        "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS",
        "PRESSLINE_SERVICE_TOKEN",
    }


def test_the_callers_settings_reach_every_service() -> None:
    made = services(PRESSLINE_WEBHOOK_ALLOW="127.0.0.0/8", PATH="/bin")
    for program in (made.scheduler(), made.gateway(), made.notifier(), *made.renderers()):
        assert program.environment["PRESSLINE_WEBHOOK_ALLOW"] == "127.0.0.0/8"
        assert program.environment["PATH"] == "/bin"


@pytest.mark.parametrize(("given", "pages"), [({}, "1"), ({"PRESSLINE_RENDERER_PAGES": "3"}, "3")])
def test_beside_the_servers_a_browser_renders_one_item_at_a_time_unless_told_otherwise(
    given: dict[str, str], pages: str
) -> None:
    for program in services(**given).renderers():
        assert program.environment["PRESSLINE_RENDERER_PAGES"] == pages


def test_tls_is_for_services_that_are_reached_from_elsewhere() -> None:
    made = services(PRESSLINE_SCHEDULER_TLS_CERT="/cert", PRESSLINE_CLIENT_TLS_KEY="/key", X_TLS_CERT="/theirs")
    for program in (made.scheduler(), made.gateway(), made.notifier(), *made.renderers()):
        assert not [name for name in pressline_settings(program.environment) if "_TLS_" in name]
        assert program.environment["X_TLS_CERT"] == "/theirs"


@pytest.mark.parametrize("given", [None, "b" * 64])
def test_the_callers_secret_key_goes_before_the_kept_one(given: str | None) -> None:
    made = services(**({"PRESSLINE_SECRET_KEY": given} if given else {}))
    assert made.scheduler().environment["PRESSLINE_SECRET_KEY"] == (given or SECRETS.secret_key)


def test_addresses_are_ours_whatever_the_caller_says() -> None:
    environment = services(PRESSLINE_SCHEDULER_ADDRESS="elsewhere:1").gateway().environment
    assert environment["PRESSLINE_SCHEDULER_ADDRESS"] == "127.0.0.1:9090"


def test_every_renderer_has_its_own_name_and_port() -> None:
    programs = services().renderers()
    assert [program.name for program in programs] == ["renderer-1", "renderer-2"]
    listen = [program.environment["PRESSLINE_RENDERER_HEALTH_LISTEN"] for program in programs]
    assert listen == ["127.0.0.1:20001", "127.0.0.1:20002"]
