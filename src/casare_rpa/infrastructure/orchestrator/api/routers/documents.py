"""/openapi.json and /asyncapi.json: the descriptions of HTTP and of the WebSocket messages. They need no credential.

Both are encoded once, because they are large and any client can request them.
"""

import json
from functools import cache

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from casare_rpa.infrastructure.orchestrator.api.asyncapi import asyncapi_text


def routes(app: FastAPI) -> list[Route]:
    """The routes of both documents. Call it when the application has all its other routes."""

    @cache
    def openapi_json() -> bytes:
        return json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()

    async def openapi(_: Request) -> Response:
        """The OpenAPI document of the HTTP API."""
        return Response(openapi_json(), media_type="application/json")

    async def asyncapi(_: Request) -> Response:
        """The AsyncAPI document of the WebSocket endpoints."""
        return Response(asyncapi_text(), media_type="application/json")

    return [
        Route("/openapi.json", openapi, include_in_schema=False),
        Route("/asyncapi.json", asyncapi, include_in_schema=False),
    ]
