"""TLS made of files in PEM form: what a listener shows and asks for, and what a channel verifies and shows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import grpc
import structlog

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True)
class ListenerTls:
    """Files of a listener.

    Attributes:
        cert: the certificate that it shows, followed by those between it and its authority.
        key: the private key of that certificate, without a passphrase.
        client_ca: authorities of clients; when given, a client must show a certificate of one of them.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.cert, self.key) if self.client_ca is None else (self.cert, self.key, self.client_ca)

    def context(self) -> ssl.SSLContext:
        """For servers on Python's own TLS.

        Raises:
            OSError: a file cannot be read, or does not hold what it should.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Without a password OpenSSL would ask the terminal for one.
        context.load_cert_chain(self.cert, self.key, password="")
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def grpc_configuration(self) -> grpc.ServerCertificateConfiguration:
        """For gRPC servers; raises as `context` does, which gRPC itself would not do until a client comes."""
        self.context()
        authorities = self.client_ca.read_bytes() if self.client_ca is not None else None
        return grpc.ssl_server_certificate_configuration([(self.key.read_bytes(), self.cert.read_bytes())], authorities)


@dataclass(frozen=True)
class ChannelTls:
    """Files of a channel.

    Attributes:
        ca: authorities that the server's certificate must come from.
        cert: shown to servers that ask for a certificate.
        key: the private key of that certificate.
    """

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC takes. Read once: a channel keeps what it began with."""
        own = (self.key.read_bytes(), self.cert.read_bytes()) if self.cert and self.key else (None, None)
        return grpc.ssl_channel_credentials(self.ca.read_bytes(), *own)


class Renewable(Generic[T]):
    """Something made of files, and made again once they have changed on disk.

    Args:
        files: what to look at.
        make: makes it; may raise OSError.
    """

    def __init__(self, files: Sequence[Path], make: Callable[[], T]) -> None:
        self._files = files
        self._make = make
        self._state = self._on_disk()
        self.current = make()

    def renewed(self) -> T | None:
        """The new one when there is one. Files that do not go together leave the current one in place."""
        try:
            state = self._on_disk()
            if state == self._state:
                return None
            self.current = self._make()
        except OSError as error:  # Between the writing of a certificate and that of its key, for one.
            log.warning("tls.not_renewed", error=str(error))
            return None
        self._state = state
        log.info("tls.renewed", files=[str(path) for path in self._files])
        return self.current

    def _on_disk(self) -> list[tuple[int, int]]:
        return [(stat.st_ino, stat.st_mtime_ns) for stat in (path.stat() for path in self._files)]


def grpc_credentials(tls: ListenerTls) -> grpc.ServerCredentials:
    """Credentials of a gRPC listener. Files are looked at whenever a client connects."""
    configuration = Renewable(tls.files, tls.grpc_configuration)
    return grpc.dynamic_ssl_server_credentials(
        configuration.current,
        configuration.renewed,  # type: ignore[arg-type] # None means that nothing has changed
        require_client_authentication=tls.client_ca is not None,
    )


def https_context(tls: ListenerTls) -> ssl.SSLContext:
    """The context of an HTTPS listener. Files are looked at whenever a client connects."""
    context = Renewable(tls.files, tls.context)

    def renew(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        context.renewed()
        connection.context = context.current

    first = context.current
    # Called in every handshake, whether or not the client names the server that it wants.
    first.sni_callback = renew
    return first
