"""A control plane without its loops, on a store whose credential look-ups a test can hold, and sockets to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from starlette.routing import Match

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import LoginSession, Principal, RobotKey, Role, digest, make_key
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.server import WEBSOCKETS
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database

API_SECRET = "admin-secret-of-the-security-tests-Zm9v"
JWT_SECRET = "jwt-secret-of-the-security-tests-Zm9vYmFy"
PASSWORD = "password-of-the-security-tests-Zm9v"
KEY = make_key("keyidkeyid", "s" * 43)
ROBOT = "alpha"
ADMIN = Principal(Role.ADMIN, "ana")
WITHIN_SECONDS = 5.0
T = TypeVar("T")


class Hold:
    """One look-up that has read the store and does not return yet."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()


class HeldStore(SqliteStore):
    """The next look-up of a credential can be held between its answer and its return."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._hold: Hold | None = None

    def hold_next(self) -> Hold:
        self._hold = Hold()
        return self._hold

    async def _held(self, look_up: Awaitable[T]) -> T:
        answer = await look_up
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.reached.set()
            await hold.released.wait()
        return answer

    async def key(self, key_id: str) -> RobotKey | None:
        return await self._held(super().key(key_id))

    async def logins(self, login_ids: Sequence[str]) -> list[LoginSession]:
        return await self._held(super().logins(login_ids))


def settings(folder: Path, **changes: Any) -> Settings:
    secrets = {"api_secret": API_SECRET, "jwt_secret": JWT_SECRET, "admin_password": PASSWORD}
    return Settings(data_dir=folder, **{**secrets, **changes})


@asynccontextmanager
async def held_store(folder: Path) -> AsyncIterator[HeldStore]:
    """A store with one robot and its key."""
    clock = FakeClock()
    store = await HeldStore.open(new_database(folder))
    try:
        robot = Robot(
            robot_id=ROBOT, tenant_id="default", name="", tags=(), max_concurrent_jobs=None, created_at=clock.now()
        )
        await store.add_robot(robot, audit=AN_ENTRY)
        await store.add_key(RobotKey("keyidkeyid", ROBOT, "default", digest(KEY), clock.now()), audit=AN_ENTRY)
        yield store
    finally:
        await store.close()


async def stays() -> bool:
    """A client that waits for its answer."""
    return False


async def signed_in(plane: ControlPlane) -> str:
    """The token of a new sign-in."""
    (token, *_), *_ = await plane.logins.sign_in("admin", PASSWORD, "192.0.2.1", stays)
    return token


class Socket:
    """A client's end of one WebSocket of the application, without a network."""

    def __init__(self, plane: ControlPlane, path: str, query: str) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._news = asyncio.Condition()
        self._plane = plane
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1")],
            "scheme": "ws",
            "http_version": "1.1",
            "client": ("127.0.0.1", 40_000),
            "app": SimpleNamespace(state=SimpleNamespace(control_plane=plane)),
            "extensions": {},
            "subprotocols": [],
        }
        self._task: asyncio.Task[None] | None = None

    def connect(self) -> "Socket":
        self._events.put_nowait({"type": "websocket.connect"})
        for route in WEBSOCKETS:
            match, found = route.matches(self._scope)
            if match is Match.FULL:
                self._scope.update(found)
                self._task = asyncio.create_task(route.app(self._scope, self._events.get, self._send))
                return self
        raise AssertionError(f"no endpoint at {self._scope['path']}")

    async def _send(self, event: MutableMapping[str, Any]) -> None:
        async with self._news:
            self.sent.append(event)
            self._news.notify_all()

    def says(self, document: dict[str, Any]) -> None:
        self._events.put_nowait({"type": "websocket.receive", "text": json.dumps(document)})

    @property
    def attached(self) -> bool:
        return any(session.principal.name for session in self._plane.hub.sessions)

    async def opened(self) -> None:
        await self._until(lambda: any(event["type"] == "websocket.accept" for event in self.sent))

    async def closed(self) -> int:
        """The close code, with which AUTH_FAILED was sent; the application has ended."""
        await self._until(lambda: self.close_code is not None)
        self._events.put_nowait({"type": "websocket.disconnect", "code": 1005})
        assert self._task is not None
        await asyncio.wait_for(self._task, WITHIN_SECONDS)
        errors = [json.loads(event["text"]) for event in self.sent if event["type"] == "websocket.send"]
        assert [one["payload"]["code"] for one in errors if one["type"] == "error"] == ["AUTH_FAILED"]
        assert self.close_code is not None
        return self.close_code

    @property
    def close_code(self) -> int | None:
        return next((event["code"] for event in self.sent if event["type"] == "websocket.close"), None)

    async def _until(self, holds: Any) -> None:
        async with asyncio.timeout(WITHIN_SECONDS), self._news:
            await self._news.wait_for(holds)

    async def leaves(self) -> None:
        if self._task is not None and not self._task.done():
            self._events.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await asyncio.wait_for(self._task, WITHIN_SECONDS)
