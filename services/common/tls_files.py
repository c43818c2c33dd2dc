"""Settings that name TLS files, checked before a service starts: each fault is a sentence that names its setting."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings

from services.common.tls import ChannelTls, ListenerTls

# A variable that is set to nothing is unset.
TlsFile = Annotated[Path | None, BeforeValidator(lambda value: value or None)]


def listener(settings: BaseSettings, prefix: str) -> ListenerTls | None:
    """TLS of a listener by the settings `<prefix>_cert`, `_key` and, where there is one, `_client_ca`.

    Returns:
        None when the listener takes plain connections.

    Raises:
        ValueError: a file is missing, unreadable or of no use.
    """
    client_ca = _file(settings, f"{prefix}_client_ca")
    pair = _pair(settings, prefix)
    if client_ca is not None:
        if pair is None:
            raise ValueError(f"{_name(prefix)}_CLIENT_CA is of no use without {_name(prefix)}_CERT.")
        _check_certificates(f"{prefix}_client_ca", client_ca)
    return None if pair is None else ListenerTls(*pair, client_ca)


def channel(settings: BaseSettings, ca: str, identity: str) -> ChannelTls | None:
    """TLS of a channel by the settings `<ca>`, `<identity>_cert` and `<identity>_key`; returns and raises likewise."""
    authorities = _file(settings, ca)
    pair = _pair(settings, identity)
    if authorities is None:
        return None
    _check_certificates(ca, authorities)
    return ChannelTls(authorities, *(pair or (None, None)))


def _pair(settings: BaseSettings, prefix: str) -> tuple[Path, Path] | None:
    cert, key = _file(settings, f"{prefix}_cert"), _file(settings, f"{prefix}_key")
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        missing, given = ("CERT", "KEY") if cert is None else ("KEY", "CERT")
        raise ValueError(f"{_name(prefix)}_{missing} is needed together with {_name(prefix)}_{given}.")
    _check_certificates(f"{prefix}_cert", cert)
    _check_readable(f"{prefix}_key", key)
    try:
        ListenerTls(cert, key).context()
    except ssl.SSLError as error:
        setting = f"{_name(prefix)}_KEY: {key}"
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{setting} is not the key of the certificate in {_name(prefix)}_CERT.") from error
        raise ValueError(f"{setting} holds no private key in PEM form without a passphrase.") from error
    return cert, key


def _check_certificates(setting: str, path: Path) -> None:
    _check_readable(setting, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError(f"{_name(setting)}: {path} holds no certificate in PEM form.") from error


def _check_readable(setting: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"{_name(setting)}: {path} cannot be read: {error.strerror}.") from error


def _file(settings: BaseSettings, field: str) -> Path | None:
    path: Path | None = getattr(settings, field, None)
    return path


def _name(field: str) -> str:
    return f"PRESSLINE_{field.upper()}"
