"""/asyncapi.json: what the WebSockets say, for programs. Beside /openapi.json, and like it for everyone."""

from fastapi import APIRouter, Response

from casare_rpa.infrastructure.orchestrator.api.asyncapi import asyncapi_text

router = APIRouter()


@router.get("/asyncapi.json", include_in_schema=False)
async def asyncapi() -> Response:
    """The AsyncAPI document of the WebSocket endpoints."""
    return Response(asyncapi_text(), media_type="application/json")
