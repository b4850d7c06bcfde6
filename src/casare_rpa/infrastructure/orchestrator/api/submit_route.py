"""The route class of submits: a usual body is read, and its answer written, without the models of the framework.

A job is submitted for each run, so this path decides how many jobs an instance takes a second. What a body may contain,
what a wrong one is answered and what `/openapi.json` says come from the framework's route, which gets every request
that this one does not read.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.limits import MAX_NAME_LENGTH
from casare_rpa.infrastructure.orchestrator.api.dependencies import authenticated
from casare_rpa.infrastructure.orchestrator.api.job_views import job_json, jobs_json
from casare_rpa.infrastructure.orchestrator.api.new_jobs import read_submissions
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane

BATCH = "/batch"
_PLAIN_TEXT = re.compile(rf"(?:{PLAIN_TEXT_PATTERN})\Z")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SubmitRoute(APIRoute):
    """A route for `POST /api/v1/jobs` or `POST /api/v1/jobs/batch`."""

    def get_route_handler(self) -> Handler:
        """The handler that the framework calls for each request."""
        by_the_models = super().get_route_handler()
        many = self.path.endswith(BATCH)

        async def handle(request: Request) -> Response:
            if not _is_usual(request):
                return await by_the_models(request)
            key = request.headers.get("idempotency-key")
            try:
                submissions = read_submissions(await request.body(), many, key)
            except ClientDisconnect:  # the framework's route ends it as each other one
                submissions = None
            if submissions is None:
                return await by_the_models(request)
            plane: ControlPlane = request.app.state.control_plane
            principal = await authenticated(request, plane)
            if many:
                added = await plane.commands.jobs.submit_all(principal, submissions, request.state.request_id)
                return _created(b'{"items":' + jobs_json(one.job for one in added) + b"}")
            job = (await plane.commands.jobs.submit(principal, submissions[0], request.state.request_id)).job
            return _created(job_json(job), {"Location": f"/api/v1/jobs/{job.job_id}"})

        return handle


def _is_usual(request: Request) -> bool:
    """Whether the headers are those of JSON without query parameters, and the idempotency key is valid."""
    headers = request.headers
    keys = headers.getlist("idempotency-key")
    if headers.get("content-type", "").lower() not in ("application/json", "application/json; charset=utf-8"):
        return False
    return not keys or (
        len(keys) == 1 and 0 < len(keys[0]) <= MAX_NAME_LENGTH and _PLAIN_TEXT.match(keys[0]) is not None
    )


def _created(json: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(json, 201, headers, media_type="application/json")
