"""A shared store is away: the instance stays ready, and each request that needs the store says when to try again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from api.conftest import ADMIN_SECRET, PASSWORD, Api
from away_store import AwayStore
from casare_rpa.infrastructure.orchestrator.clock import SystemClock
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.ports.bus import Bus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from new_database import new_database


@dataclass(slots=True)
class Shared:
    """An application on a store that can be away."""

    api: Api
    store: AwayStore


@asynccontextmanager
async def on_a_store(folder: Path, *, shared: bool = True, bus: Bus | None = None) -> AsyncIterator[Shared]:
    settings = Settings(
        data_dir=folder,
        api_secret=ADMIN_SECRET,
        jwt_secret="jwt-secret-of-the-tests-Zm9vYmFyZm9v",
        admin_password=PASSWORD,
    )
    opened = await SqliteStore.open(new_database(folder))
    store = AwayStore(opened, shared=shared)
    try:
        async with ControlPlane.started(settings, cast(Store, store), SystemClock(), bus=bus) as plane:
            app = create_app(settings)
            app.state.control_plane, app.state.connection_gate = plane, None
            yield Shared(Api(app), store)
    finally:
        store.away = False
        await opened.close()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Shared]:
    async with on_a_store(tmp_path) as shared:
        yield shared


WRITES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/auth/refresh"): {"token": "{token}"},
    ("POST", "/api/v1/view-links"): {"name": "screen"},
    ("DELETE", "/api/v1/view-links/{link_id}"): None,
    ("POST", "/api/v1/jobs"): {"workflow_id": "w"},
    ("POST", "/api/v1/jobs/batch"): {"jobs": [{"workflow_id": "w"}]},
    ("POST", "/api/v1/jobs/bulk"): {"action": "cancel", "job_ids": ["job-1"]},
    ("POST", "/api/v1/jobs/{job_id}/cancel"): {},
    ("POST", "/api/v1/jobs/{job_id}/retry"): None,
    ("PUT", "/api/v1/presets"): {"workflow_id": "w", "name": "p"},
    ("DELETE", "/api/v1/presets?workflow_id=w&name=p"): None,
    ("POST", "/api/v1/robots/bulk"): {"action": "drain", "robot_ids": ["r"]},
    ("POST", "/api/v1/robots"): {"robot_id": "r"},
    ("PATCH", "/api/v1/robots/{robot_id}"): {"name": "n"},
    ("DELETE", "/api/v1/robots/{robot_id}"): None,
    ("POST", "/api/v1/robots/{robot_id}/drain"): {},
    ("POST", "/api/v1/robots/{robot_id}/resume"): {},
    ("POST", "/api/v1/robots/{robot_id}/restart"): {},
    ("POST", "/api/v1/robots/{robot_id}/keys"): None,
    ("DELETE", "/api/v1/robots/{robot_id}/keys/{key_id}"): None,
    ("POST", "/api/v1/queues"): {"queue": "q"},
    ("POST", "/api/v1/queues/{queue}/pause"): {},
    ("POST", "/api/v1/queues/{queue}/resume"): {},
    ("POST", "/api/v1/tenants"): {"tenant_id": "t", "name": "T"},
    ("PATCH", "/api/v1/failures/{fingerprint}"): {"note": "n"},
    ("POST", "/api/v1/failures/{fingerprint}/mute"): {},
    ("POST", "/api/v1/failures/{fingerprint}/unmute"): {},
    ("DELETE", "/api/v1/sessions/{session_id}"): None,
    ("POST", "/api/v1/auth/login"): {"username": "admin", "password": PASSWORD},
}
WITHOUT_THE_STORE = {
    ("POST", "/api/v1/auth/links"),
    ("POST", "/api/v1/auth/link"),
    ("POST", "/api/v1/auth/session"),
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/api/v1/ws-tickets"),
}


async def test_each_write_is_answered_with_the_time_of_the_next_attempt(opened: Shared) -> None:
    login = {"username": "admin", "password": PASSWORD}
    token = (await opened.api.admin.post("/api/v1/auth/login", json=login)).json()["access_token"]
    link_id = (await opened.api.post("/view-links", {"name": "screen"}))["link_id"]
    opened.store.away = True
    wrong = {}
    for (method, path), body in WRITES.items():
        filled = path.replace("{link_id}", link_id).replace("{", "").replace("}", "")
        more = {} if body is None else {"json": {"token": token} if "token" in body else body}
        answer = await opened.api.admin.request(method, filled, **more)
        if (answer.status_code, answer.headers.get("retry-after")) != (503, "2"):
            wrong[method, path] = answer.status_code, answer.text
        else:
            assert answer.json()["payload"]["retry_after_ms"] == 2_000
    assert wrong == {}


async def test_every_write_is_tried(opened: Shared) -> None:
    document = (await opened.api.client().get("/openapi.json")).json()
    writes = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods if method != "get"
    }
    assert {(method, path.partition("?")[0]) for method, path in WRITES} | WITHOUT_THE_STORE == writes
