"""Errors over HTTP: the error body of the contract, and the status of each error."""

import logging
import math
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from casare_rpa.domain.errors import (
    AuthError,
    CasareError,
    Conflict,
    NotFound,
    PositionGone,
    ProtocolError,
    RateLimited,
    StoreUnavailable,
)
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.vocabulary import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.auth.client_address import client_address
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane

logger = logging.getLogger(__name__)

MAX_PROBLEMS = 20
"""How many invalid fields one response names."""

STORE_RETRY_SECONDS = 2.0
"""When a client should repeat a request that found the store away: a failover of a database takes a few seconds."""

NO_STORE = {"Cache-Control": "no-store"}
MEANINGS = {
    401: "The credential is missing, wrong or expired.",
    403: "The credential is valid, but does not permit this.",
    404: "The object does not exist, or the credential may not see it.",
    409: "The request conflicts with the present state.",
    410: "Changes after the position are no longer stored; `oldest` is the first position that is valid.",
    413: "The body is too large.",
    422: "The request is invalid; the message names the field.",
    429: "Too many attempts; `Retry-After` says when to try again.",
    500: "The server failed; its log has the error.",
    503: "Nothing was changed; try again.",
}


class ErrorDetail(BaseModel):
    """The payload of an error: the code of the contract, a text for a person, and the time."""

    code: ErrorCode
    message: str
    timestamp: str
    retry_after_ms: int | None = Field(None, description="Only with RATE_LIMITED, and when the store is away.")
    oldest: str | None = Field(None, description="Only with status 410: the first position that is valid.")
    status: str | None = Field(
        None,
        description="Only of `/health/ready`: `draining` or `cut_off`.",
    )


class ErrorBody(BaseModel):
    """The error format of the contract."""

    type: Literal["error"] = "error"
    payload: ErrorDetail


def responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The documented error responses of a route; 422 and 500 are added to every route."""
    return {status: {"model": ErrorBody, "description": MEANINGS[status]} for status in sorted({*statuses, 422, 500})}


def status_of(error: CasareError) -> int:
    """The HTTP status of an error of the project."""
    match error:
        case AuthError(close_code=CloseCode.FORBIDDEN):
            return 403
        case AuthError():
            return 401
        case RateLimited():
            return 429
        case NotFound():
            return 404
        case Conflict():
            return 409
        case PositionGone():
            return 410
        case ProtocolError():
            return 422
        case StoreUnavailable():
            return 503
    return 500


def error_answer(
    request: Request,
    status: int,
    code: ErrorCode,
    message: str,
    headers: dict[str, str] | None = None,
    retry_after_seconds: float | None = None,
    /,
    **details: str,
) -> JSONResponse:
    """A response with the error body of the contract. `details` are further keys of its payload."""
    plane: ControlPlane = request.app.state.control_plane
    at = rfc3339(plane.clock.now())
    payload: dict[str, object] = {"code": code.value, "message": message, "timestamp": at, **details}
    extra = dict(headers or {})
    if retry_after_seconds is not None:
        payload["retry_after_ms"] = round(retry_after_seconds * 1000)
        extra["Retry-After"] = str(math.ceil(retry_after_seconds))
    return JSONResponse({"type": "error", "payload": payload}, status, headers={**NO_STORE, **extra})


async def casare_error(request: Request, error: Exception) -> JSONResponse:
    """The response to an error of the project."""
    assert isinstance(error, CasareError)
    if isinstance(error, AuthError):
        plane: ControlPlane = request.app.state.control_plane
        plane.metrics.auth_failures.labels(endpoint="http").inc()
        await plane.refused_credentials.note(client_address(request.scope), error)
    status = status_of(error)
    if status >= 500:
        logger.error("%s %s: %s", request.method, request.url.path, error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return error_answer(request, status, error.code, str(error), headers, _retry_after(error), **_details(error))


def _retry_after(error: CasareError) -> float | None:
    """After how many seconds the same request may succeed; `None` if the answer does not say."""
    match error:
        case RateLimited():
            return error.retry_after_seconds
        case StoreUnavailable():
            return STORE_RETRY_SECONDS
    return None


def error_body(error: CasareError, at: Instant) -> dict[str, object]:
    """The error body of the contract, for a response that has begun."""
    payload = {"code": error.code.value, "message": str(error), "timestamp": rfc3339(at), **_details(error)}
    return {"type": "error", "payload": payload}


def _details(error: CasareError) -> dict[str, str]:
    return {"oldest": error.oldest} if isinstance(error, PositionGone) else {}


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if error.body is not None and "json" not in request.headers.get("content-type", ""):
        sentence = "body: send JSON, with Content-Type: application/json"
        return error_answer(request, 422, ErrorCode.INVALID_MESSAGE, sentence)
    problems = []
    for problem in error.errors():
        if problem["type"] == "json_invalid":
            problems.append(f"body: not valid JSON: {problem['ctx']['error']}")
            continue
        where = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query", "path", "header"))
        sentence = problem["ctx"]["error"] if problem["type"] == "value_error" else problem["msg"]
        problems.append(f"{where or 'body'}: {sentence}")
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    return error_answer(request, 422, ErrorCode.INVALID_MESSAGE, "; ".join(problems))


_SENTENCES = {
    404: "this path does not exist; see /openapi.json",
    405: "this path does not support the method; see /openapi.json",
}


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # the framework answers 400 for a body that it cannot read
        return error_answer(request, 422, ErrorCode.INVALID_MESSAGE, "body: not valid JSON")
    code = ErrorCode.INVALID_MESSAGE if error.status_code < 500 else ErrorCode.INTERNAL_ERROR
    sentence = _SENTENCES.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return error_answer(request, error.status_code, code, sentence, headers)


def _allowed(request: Request) -> str:
    """Every documented method of the path; the framework lists only those of the first matching route."""
    paths: dict[str, dict[str, object]] = request.app.openapi()["paths"]
    matching = [path for path in paths if compile_path(path)[0].match(request.url.path)]
    exact_first = sorted(matching, key=lambda path: path != request.url.path)
    return ", ".join(sorted(paths[exact_first[0]])).upper() if exact_first else ""


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The response to any other error, which is logged with its traceback."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_answer(request, 500, ErrorCode.INTERNAL_ERROR, "the server failed; try again")


def install(app: FastAPI) -> None:
    """Install the error handlers on an application."""
    app.add_exception_handler(CasareError, casare_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
