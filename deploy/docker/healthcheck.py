"""Asks a service in its own container how it is: http(s)://host:port/path or grpc://host:port. Exit code 0 is well."""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import http.client
import ssl
import sys
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 4


def http_healthy(url: SplitResult) -> bool:
    """True for a 2xx answer."""
    connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_SECONDS)
    if url.scheme == "https":
        # The certificate is for the name outside, and there is nobody between a container and itself.
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
        connection = http.client.HTTPSConnection(url.netloc, timeout=TIMEOUT_SECONDS, context=unverified)
    connection.request("GET", url.path)
    return connection.getresponse().status // 100 == 2  # noqa: PLR2004 - the class of success


def grpc_healthy(address: str) -> bool:
    """True when the standard health service answers that the server serves."""
    import grpc  # noqa: PLC0415 - slow to import, and the HTTP check runs every few seconds
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415 - likewise

    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main() -> int:
    """Exit code of the check that the first argument asks for; a failure to ask is 1 as well, with its traceback."""
    url = urlsplit(sys.argv[1])
    healthy = grpc_healthy(url.netloc) if url.scheme == "grpc" else http_healthy(url)
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
