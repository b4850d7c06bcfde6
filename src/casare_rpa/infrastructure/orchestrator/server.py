"""The one FastAPI application: every endpoint of the contract, the HTTP API, and the life of the control plane."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from casare_rpa import __version__
from casare_rpa.infrastructure.orchestrator import websocket_handlers
from casare_rpa.infrastructure.orchestrator.api import error_responses, wheels
from casare_rpa.infrastructure.orchestrator.api.dashboard import dashboard_route
from casare_rpa.infrastructure.orchestrator.api.guard import HttpGuard
from casare_rpa.infrastructure.orchestrator.api.openapi import with_readable_forms
from casare_rpa.infrastructure.orchestrator.api.routers import (
    audit,
    auth,
    bulk,
    comparison,
    documents,
    events,
    failures,
    health,
    instances,
    jobs,
    logs,
    overview,
    presets,
    queues,
    robot_bulk,
    robots,
    runs,
    tenants,
    tickets,
    view_links,
    websockets,
    workflows,
)
from casare_rpa.infrastructure.orchestrator.api.websocket_addresses import refuse_handshake, tidy_path, upgrade_routes
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.settings import Settings, load_settings
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate

NOUNS = (
    auth,
    view_links,
    tickets,
    bulk,
    comparison,
    jobs,
    workflows,
    presets,
    logs,
    robot_bulk,
    robots,
    runs,
    queues,
    tenants,
    overview,
    failures,
    events,
    audit,
    instances,
    health,
)
ROUTERS = [*(noun.router for noun in NOUNS), auth.sessions]
ROUTERS.insert(NOUNS.index(jobs), jobs.submits)
HTTP_ROUTES = [route for router in ROUTERS for route in router.routes]
WEBSOCKETS = [*websocket_handlers.routes, *websockets.routes]


class Application(FastAPI):
    """FastAPI with a direct route for WebSockets, also below the path `base_path`.

    The middleware of FastAPI costs memory for the life of a connection and time for every message, and the WebSocket
    endpoints do not need it.
    """

    base_path = ""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of all routes."""
        if self.openapi_schema is None:
            self.openapi_schema = with_readable_forms(super().openapi(), HTTP_ROUTES)
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A proxy may remove the base path or pass it on.
        if self.base_path and scope["type"] != "lifespan" and f"{scope['path']}/".startswith(f"{self.base_path}/"):
            scope["path"] = scope["path"].removeprefix(self.base_path) or "/"
        if scope["type"] == "websocket":
            scope["path"] = tidy_path(scope["path"])
            for route in WEBSOCKETS:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, app=self)
                    return await route.app(scope, receive, send)
            scope["app"] = self
            return await refuse_handshake(scope, receive, send, WEBSOCKETS)
        return await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None, gate: ConnectionGate | None = None) -> FastAPI:
    """The application; the control plane opens with its lifespan. Without settings they come from CASARE_*.

    `gate` counts the connections without a credential; /metrics shows its figures.
    """
    chosen = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with ControlPlane.open(chosen) as plane:
                app.state.control_plane = plane
                yield
        except Exception as error:  # the edge of the application: the starting program reads it from `app.state`
            app.state.failure = error
            raise

    app = Application(
        title="CasareRPA Orchestrator",
        version=__version__,
        summary="The control plane of a fleet of software robots.",
        lifespan=lifespan,
        openapi_url=None,  # `documents` serves it, made once
        docs_url=None,  # its page loads scripts from other servers; docs/reference/http.md has the same content
        redoc_url=None,
    )
    app.base_path = chosen.base_path
    app.state.connection_gate = gate
    app.add_middleware(HttpGuard)
    error_responses.install(app)
    # `include_router` would build each route a second time, during the first requests: half a second in all.
    app.router.routes.extend([*WEBSOCKETS, *upgrade_routes(WEBSOCKETS), *HTTP_ROUTES])
    app.router.routes.extend(
        [*documents.routes(app), *wheels.routes(chosen.wheelhouse), dashboard_route(base_path=chosen.base_path)]
    )
    return app
