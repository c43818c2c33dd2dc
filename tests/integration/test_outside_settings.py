"""Settings of TLS and of what is in front: what cannot be used ends a service at start, with a sentence about it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.certificates import Authority, private_pem

BIN = Path(sys.executable).parent
START_SECONDS = 60
REQUIRED = {
    "gateway": {"PRESSLINE_SERVICE_TOKEN": "t"},
    "scheduler": {
        "PRESSLINE_SERVICE_TOKEN": "t",
        "PRESSLINE_SECRET_KEY": "ab" * 32,
        "PRESSLINE_S3_ACCESS_KEY": "a",
        "PRESSLINE_S3_SECRET_KEY": "s",
    },
    "notifier": {"PRESSLINE_SERVICE_TOKEN": "t"},
}


def said(service: str, settings: Mapping[str, str]) -> str:
    """What a service says when it ends at once for the sake of its settings."""
    ended = subprocess.run(
        [BIN / f"pressline-{service}"],
        env={**REQUIRED[service], **settings},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    return ended.stderr.strip()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files by name, and names of files that are not what they should be."""
    authority = Authority(tmp_path_factory.mktemp("tls"))
    one, other = authority.issue("one", "localhost"), authority.issue("other", "localhost")
    text, locked = authority.folder / "text", authority.folder / "locked.key"
    text.write_text("nothing of the kind")
    locked.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1()), b"passphrase"))
    paths = {"cert": one.cert, "key": one.key, "other_key": other.key, "ca": authority.ca, "text": text}
    paths |= {"missing": authority.folder / "missing", "folder": authority.folder, "locked": locked}
    return {name: str(path) for name, path in paths.items()}


@pytest.mark.parametrize(
    ("service", "settings", "sentence"),
    [
        ("gateway", {"GATEWAY_TLS_CERT": "cert"}, "PRESSLINE_GATEWAY_TLS_KEY is needed together with"),
        ("gateway", {"GATEWAY_TLS_KEY": "key"}, "PRESSLINE_GATEWAY_TLS_CERT is needed together with"),
        (
            "gateway",
            {"GATEWAY_TLS_CERT": "missing", "GATEWAY_TLS_KEY": "key"},
            "PRESSLINE_GATEWAY_TLS_CERT: {missing} cannot be read: No such file or directory.",
        ),
        (
            "gateway",
            {"GATEWAY_TLS_CERT": "cert", "GATEWAY_TLS_KEY": "folder"},
            "PRESSLINE_GATEWAY_TLS_KEY: {folder} cannot be read: Is a directory.",
        ),
        (
            "gateway",
            {"GATEWAY_TLS_CERT": "text", "GATEWAY_TLS_KEY": "key"},
            "PRESSLINE_GATEWAY_TLS_CERT: {text} holds no certificate in PEM form.",
        ),
        (
            "gateway",
            {"GATEWAY_TLS_CERT": "cert", "GATEWAY_TLS_KEY": "other_key"},
            "PRESSLINE_GATEWAY_TLS_KEY: {other_key} is not the key of the certificate in PRESSLINE_GATEWAY_TLS_CERT.",
        ),
        (
            "gateway",
            {"GATEWAY_TLS_CERT": "cert", "GATEWAY_TLS_KEY": "locked"},
            "PRESSLINE_GATEWAY_TLS_KEY: {locked} holds no private key in PEM form without a passphrase.",
        ),
        ("gateway", {"SCHEDULER_TLS_CA": "missing"}, "PRESSLINE_SCHEDULER_TLS_CA: {missing} cannot be read"),
        (
            "notifier",
            {"SCHEDULER_INTERNAL_TLS_CA": "text"},
            "PRESSLINE_SCHEDULER_INTERNAL_TLS_CA: {text} holds no certificate in PEM form.",
        ),
        (
            "notifier",
            {"CLIENT_TLS_CERT": "cert", "CLIENT_TLS_KEY": "key"},
            "PRESSLINE_CLIENT_TLS_CERT is of no use without PRESSLINE_SCHEDULER_INTERNAL_TLS_CA",
        ),
        (
            "scheduler",
            {"SCHEDULER_TLS_CERT": "cert", "SCHEDULER_TLS_KEY": "other_key"},
            "PRESSLINE_SCHEDULER_TLS_KEY: {other_key} is not the key",
        ),
        (
            "scheduler",
            {"SCHEDULER_INTERNAL_TLS_CLIENT_CA": "ca"},
            "PRESSLINE_SCHEDULER_INTERNAL_TLS_CLIENT_CA is of no use without PRESSLINE_SCHEDULER_INTERNAL_TLS_CERT.",
        ),
        (
            "scheduler",
            {"SCHEDULER_TLS_CERT": "cert", "SCHEDULER_TLS_KEY": "key", "SCHEDULER_TLS_CLIENT_CA": "key"},
            "PRESSLINE_SCHEDULER_TLS_CLIENT_CA: {key} holds no certificate in PEM form.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: dict[str, str], service: str, settings: dict[str, str], sentence: str
) -> None:
    answer = said(service, {f"PRESSLINE_{name}": files[file] for name, file in settings.items()})
    assert answer.startswith(sentence.format(**files))
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TRUSTED_PROXIES", "10.0.0.1/8", "PRESSLINE_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "PRESSLINE_TRUSTED_PROXIES: 'proxy' does not appear to be"),
        ("PUBLIC_URL", "example.com", "PRESSLINE_PUBLIC_URL: is http(s)://host[:port] and the base path"),
        ("PUBLIC_URL", "https://example.com/a?b", "PRESSLINE_PUBLIC_URL: is http(s)://host[:port] and the base path"),
        ("PUBLIC_URL", "https://me@example.com", "PRESSLINE_PUBLIC_URL: is http(s)://host[:port] and the base path"),
        ("CORS_ORIGINS", "https://a.example/", "PRESSLINE_CORS_ORIGINS: 'https://a.example/' is no origin"),
        ("CORS_ORIGINS", "https://a.example,b", "PRESSLINE_CORS_ORIGINS: 'b' is no origin"),
        ("CORS_ORIGINS", "https://A.example", "PRESSLINE_CORS_ORIGINS: 'https://A.example' is no origin"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str, sentence: str) -> None:
    answer = said("gateway", {f"PRESSLINE_{name}": value})
    assert answer.startswith(sentence)
    assert "\n" not in answer
