"""The real application with a real database, called over ASGI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from casare_rpa.domain.robots import Profile
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.settings import Settings
from new_database import new_database

ADMIN_SECRET = "admin-secret-of-the-api-tests"
PASSWORD = "password-of-the-api-tests"


@dataclass
class Api:
    """A running application. `admin` uses the admin secret, `client(...)` the given credentials."""

    app: FastAPI

    @property
    def plane(self) -> ControlPlane:
        plane: ControlPlane = self.app.state.control_plane
        return plane

    @property
    def statistics(self) -> StoreStatistics:
        return self.plane.store.statistics()

    @property
    def admin(self) -> httpx2.AsyncClient:
        return self.client({"X-API-Secret": ADMIN_SECRET})

    def client(self, headers: dict[str, str] | None = None, address: str = "127.0.0.1") -> httpx2.AsyncClient:
        """A client with this network address. It gets an answer even if the server fails."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 40_000))
        return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)

    async def post(self, path: str, body: dict[str, Any] | None = None, status: int = 201, **more: Any) -> Any:
        """The decoded answer to an admin's POST under /api/v1, which must have this status."""
        response = await self.admin.post(f"/api/v1{path}", json=body or {}, **more)
        assert response.status_code == status, response.text
        return response.json()

    async def submit_text(self, text: str) -> httpx2.Response:
        """The answer to a submit with this text."""
        headers = {"Content-Type": "application/json"}
        return await self.admin.post("/api/v1/jobs", content=text.encode(), headers=headers)

    async def get(self, path: str, **parameters: Any) -> Any:
        """The decoded answer to an admin's GET under /api/v1."""
        response = await self.admin.get(f"/api/v1{path}", params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def robot(self, robot_id: str, tenant_id: str = "default") -> httpx2.AsyncClient:
        """Add a robot; returns a client with its key."""
        await self.post("/robots", {"robot_id": robot_id, "tenant_id": tenant_id})
        key = await self.post(f"/robots/{robot_id}/keys")
        return self.client({"X-API-Key": key["api_key"]})

    async def give(self, job: Any, robot_id: str) -> None:
        """Offer a pending job to a robot, like the dispatcher."""
        slot = Slot(robot_id, "ses-test", Profile(job["tenant_id"], frozenset(job["tags"])), free=1, capacity=1)
        (offered,) = await self.plane.store.claim(Slots([slot]), self.plane.clock.now())
        assert offered.job_id == job["job_id"]


def error_of(response: httpx2.Response, status: int) -> tuple[str, str]:
    """The code and the message of an answer, which must be an error in the contract's form with this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"type", "payload"}
    assert body["type"] == "error"
    assert {"code", "message", "timestamp"} <= set(body["payload"])
    assert body["payload"]["timestamp"].endswith("Z")
    return body["payload"]["code"], body["payload"]["message"]


@asynccontextmanager
async def running(data_dir: Path, **overrides: Any) -> AsyncIterator[Api]:
    """The application with its control plane open."""
    settings = Settings(
        data_dir=data_dir,
        api_secret=ADMIN_SECRET,
        jwt_secret="jwt-secret-of-the-api-tests-Zm9vYmFy",
        admin_password=PASSWORD,
        # Log lines of the tests have fixed times, and the first round of retention may fall into any test.
        **{"retention_log_days": 36_500, **overrides},
    )
    new_database(data_dir)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Api(app)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as opened:
        yield opened


def without_reasons(job: Any) -> Any:
    """A job without the fields that only a single job has: why it is pending."""
    return {**job, "pending_reasons": None, "queue_position": None, "fitting_robots": None}
