"""What happens around every RPC.

On the client: a deadline and the service token. On the server: the token gate and the error model.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status

from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import to_status

TOKEN_METADATA = "x-pressline-service-token"  # noqa: S105 - the name of a header
DEFAULT_DEADLINE_SECONDS = 15.0
HEALTH_PREFIX = "/grpc.health.v1.Health/"
# The full name of the method that is being served: gRPC does not tell it to the method itself.
served_method: ContextVar[str] = ContextVar("served_method")
log = structlog.get_logger()

Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
Fail = Callable[[grpc.aio.ServicerContext[Any, Any], Exception], Awaitable[None]]


def server_interceptors(
    token: str | None, unavailable: tuple[type[Exception], ...]
) -> list[grpc.aio.ServerInterceptor]:
    """Errors on every listener; the token gate where one is given."""
    errors: list[grpc.aio.ServerInterceptor] = [_Errors(unavailable)]
    return errors if token is None else [*errors, _TokenGate(token)]


def client_interceptors(token: str | None) -> list[grpc.aio.ClientInterceptor]:
    """A deadline on every call that has none, and the token where one is given."""
    return [_UnaryDefaults(token), _StreamInDefaults(token), _StreamOutDefaults(token)]


class _Errors(grpc.aio.ServerInterceptor):
    """Sends a PresslineError as its status; anything else is logged and hidden."""

    def __init__(self, unavailable: tuple[type[Exception], ...]) -> None:
        self._unavailable = unavailable

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        # Health writes its stream instead of yielding it, and raises nothing of ours.
        if handler is None or method.startswith(HEALTH_PREFIX):
            return handler
        served_method.set(method)

        async def fail(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> None:
            await _abort(context, self._shown(error, method))

        return _stream_handler(handler, fail) if handler.response_streaming else _unary_handler(handler, fail)

    def _shown(self, error: Exception, method: str) -> Exception:
        if isinstance(error, (PresslineError, grpc.aio.AbortError)):
            return error
        if isinstance(error, self._unavailable):
            log.warning("rpc.backend_unavailable", method=method, error=repr(error))
            return PresslineError(Reason.SERVICE_UNAVAILABLE, "A backend is not reachable just now.", retry_after=2)
        log.error("rpc.failed", method=method, exc_info=error)
        return PresslineError(Reason.INTERNAL_ERROR, "The service failed; the failure is logged.")


class _TokenGate(grpc.aio.ServerInterceptor):
    """Refuses calls without the service token. Health stays open: probes have no secret."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(handler_call_details)
        metadata = dict(handler_call_details.invocation_metadata or ())
        given = str(metadata.get(TOKEN_METADATA, "")).encode()
        open_to_all = (handler_call_details.method or "").startswith(HEALTH_PREFIX)
        if handler is None or open_to_all or hmac.compare_digest(given, self._token):
            return handler
        return _refusing(handler)


class _Defaults:
    def __init__(self, token: str | None) -> None:
        self._token = token

    def apply(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = list(details.metadata or ())
        if self._token is not None:
            metadata.append((TOKEN_METADATA, self._token))
        timeout = DEFAULT_DEADLINE_SECONDS if details.timeout is None else details.timeout
        return grpc.aio.ClientCallDetails(
            method=details.method,
            timeout=timeout,
            metadata=grpc.aio.Metadata(*metadata),
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
        )


class _UnaryDefaults(_Defaults, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self.apply(client_call_details), request)


class _StreamInDefaults(_Defaults, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self.apply(client_call_details), request_iterator)


class _StreamOutDefaults(_Defaults, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self.apply(client_call_details), request)


def _unary_handler(handler: Any, fail: Fail) -> Any:
    inner = handler.stream_unary if handler.request_streaming else handler.unary_unary

    async def behaviour(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await inner(request, context)
        except Exception as error:
            await fail(context, error)

    make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


def _stream_handler(handler: Any, fail: Fail) -> Any:
    inner = handler.stream_stream if handler.request_streaming else handler.unary_stream

    async def behaviour(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        try:
            # Closed here and now, so that what a stream holds is free as soon as its caller is gone.
            async with aclosing(inner(request, context)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await fail(context, error)

    make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> None:
    if not isinstance(error, PresslineError):
        raise error
    await context.abort_with_status(rpc_status.to_status(to_status(error)))


def _refusing(handler: Any) -> Any:
    async def refuse(_request: Any, _context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        raise PresslineError(Reason.UNAUTHORIZED, "The internal listener takes calls with the service token only.")

    make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    return make(refuse, handler.request_deserializer, handler.response_serializer)
