"""How the gateway reads its settings."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.gateway.settings import GatewaySettings


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> GatewaySettings:
    for name, value in {"SERVICE_TOKEN": "t", **variables}.items():
        monkeypatch.setenv(f"PRESSLINE_{name}", value)
    return GatewaySettings()


def test_proxies_are_networks_or_single_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in = read(monkeypatch, TRUSTED_PROXIES=" 10.0.0.0/8, 192.0.2.7 ,fd00::/8,").trusted_proxies
    assert read_in == tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.7/32", "fd00::/8")))


@pytest.mark.parametrize(
    ("public_url", "base_path"),
    [
        ("", ""),
        ("https://example.com", ""),
        ("https://example.com/", ""),
        ("http://example.com:8080/render", "/render"),
        ("https://example.com/pdf/render/", "/pdf/render"),
        ("https://[2001:db8::1]:8443/x", "/x"),
    ],
)
def test_the_public_url_holds_the_base_path(monkeypatch: pytest.MonkeyPatch, public_url: str, base_path: str) -> None:
    settings = read(monkeypatch, PUBLIC_URL=public_url)
    assert (settings.public_url, settings.base_path) == (public_url.removesuffix("/"), base_path)


def test_origins_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(
        monkeypatch, CORS_ORIGINS="https://a.example, http://localhost:3000,capacitor://localhost"
    ).cors_origins
    assert found == ("https://a.example", "http://localhost:3000", "capacitor://localhost")
    assert read(monkeypatch, CORS_ORIGINS="*").cors_origins == ("*",)


def test_a_variable_set_to_nothing_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("TRUSTED_PROXIES", "PUBLIC_URL", "CORS_ORIGINS", "GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY", "SCHEDULER_TLS_CA")
    settings = read(monkeypatch, **dict.fromkeys(names, ""))
    assert (settings.trusted_proxies, settings.public_url, settings.cors_origins) == ((), "", ())
    assert (settings.gateway_tls, settings.public_tls, settings.internal_tls) == (None, None, None)
