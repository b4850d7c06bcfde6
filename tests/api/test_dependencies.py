"""The access rules: every route of the API with every wrong credential."""

import inspect
import time
from collections.abc import Callable, Iterator

import jwt
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api.conftest import ADMIN_SECRET, Api, error_of
from casare_rpa.infrastructure.orchestrator.api.dependencies import admin, authenticated, control_plane

OPEN = {
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/link"),
    ("POST", "/api/v1/auth/session"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
}
EXPIRED = jwt.encode({"exp": int(time.time()) - 1}, b"0" * 32, algorithm="HS256")


def routes(api: Api) -> list[tuple[str, str]]:
    return [
        (method.upper(), path.replace("{robot_id}", "alpha").replace("{job_id}", "job-1").replace("{key_id}", "key"))
        for path, methods in api.app.openapi()["paths"].items()
        for method in methods
        if (method.upper(), path) not in OPEN
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Secret": ""},
        {"X-API-Secret": "wrong-canary"},
        {"X-API-Secret": ADMIN_SECRET + "x"},
        {"X-API-Key": ADMIN_SECRET},
        {"X-API-Key": "crpa_canary"},
        {"Authorization": f"Bearer {ADMIN_SECRET}"},
        {"Authorization": f"Bearer {EXPIRED}"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Bearer"},
        {"Cookie": f"token={ADMIN_SECRET}"},
    ],
)
async def test_every_route_refuses_a_wrong_credential(api: Api, headers: dict[str, str]) -> None:
    client = api.client(headers)
    assert len(routes(api)) >= 14
    for method, path in routes(api):
        response = await client.request(method, path, json={"workflow_id": "w"})
        assert error_of(response, 401)[0] == "AUTH_FAILED"
        assert response.headers["www-authenticate"] == "Bearer"
        for value in headers.values():
            assert not value or value not in response.text


async def test_credentials_in_the_query_are_refused_over_http(api: Api) -> None:
    response = await api.client().get("/api/v1/jobs", params={"api_secret": ADMIN_SECRET})
    assert error_of(response, 401)[0] == "AUTH_FAILED"


async def test_refused_requests_are_counted(api: Api) -> None:
    for _ in range(3):
        await api.client().get("/api/v1/jobs")
    figures = api.plane.metrics.registry
    assert figures.get_sample_value("casare_auth_failures_total", {"endpoint": "http"}) == 3


def calls_of(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """The functions that FastAPI calls for a request: the route, and all of its dependencies, also nested ones."""
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def runs_in_a_thread(call: Callable[..., object]) -> bool:
    """FastAPI sends a plain function, or an object with a plain `__call__`, to a thread of the AnyIO pool."""
    return not (inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__))


async def test_no_route_and_no_dependency_runs_in_a_thread(api: Api) -> None:
    routes = [
        context.original_route
        for context in iter_route_contexts(api.app.router.routes)
        if isinstance(context.original_route, APIRoute)
    ]
    calls = {call for route in routes for call in calls_of(route.dependant)}
    assert len(routes) > 40
    assert {control_plane, authenticated, admin} <= calls
    assert [call for call in calls if runs_in_a_thread(call)] == []
