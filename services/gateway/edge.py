"""The outermost layer: who may call, and how much at once, whatever route is taken or missed."""

from __future__ import annotations

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.errors import PresslineError
from services.gateway import auth, documentation, problems
from services.gateway.exchange import Exchange
from services.gateway.load import Load
from services.gateway.scheduler import Scheduler, Stubs

# Open to all: probes and the description of the API.
PUBLIC_PATHS = documentation.PATHS | {"/healthz", "/readyz"}
log = structlog.get_logger()


class Edge:
    """ASGI layer around the routes.

    Args:
        app: the routes.
        stubs: the scheduler, which knows the keys and counts the requests.
        load: what may be in flight at once.
    """

    def __init__(self, app: ASGIApp, stubs: Stubs, load: Load) -> None:
        self._app = app
        self._stubs = stubs
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        exchange = Exchange(scope, receive, send)
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        if scope["path"] in PUBLIC_PATHS:
            await self._app(scope, exchange.receive, exchange.send)
            return
        try:
            await self._admitted(scope, exchange)
        except PresslineError as error:
            answer = problems.response(error, scope["path"], exchange.request_id)
            await answer(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            log.debug("request.abandoned", request_id=exchange.request_id)
        except Exception:
            # The app has answered already: it turns every failure into a 500 before it raises it again.
            log.exception("request.failed", request_id=exchange.request_id, path=scope["path"])
        finally:
            exchange.log()

    async def _admitted(self, scope: Scope, exchange: Exchange) -> None:
        caller = await auth.admit(self._stubs, exchange.headers.get("authorization"))
        exchange.caller = caller
        auth.refuse_if_spent(caller)
        scope["state"]["scheduler"] = Scheduler(self._stubs, caller.api_key)
        scope["state"]["account_id"] = caller.account_id
        scope["state"]["scopes"] = caller.scopes
        with self._load.request(exchange.headers):
            await self._app(scope, exchange.receive, exchange.send)
