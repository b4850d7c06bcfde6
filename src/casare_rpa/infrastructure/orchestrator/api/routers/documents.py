"""/asyncapi.json: the description of the WebSocket messages. It needs no credential, like /openapi.json."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from casare_rpa.infrastructure.orchestrator.api.asyncapi import asyncapi_text


async def asyncapi(_: Request) -> Response:
    """The AsyncAPI document of the WebSocket endpoints."""
    return Response(asyncapi_text(), media_type="application/json")


routes = [Route("/asyncapi.json", asyncapi, include_in_schema=False)]
