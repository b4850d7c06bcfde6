"""A real server in its own process: its address, its secrets and its output."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

ADMIN_SECRET = "admin-secret-of-the-contract-tests-0123456789"
JWT_SECRET = "jwt-secret-of-the-contract-tests-0123456789abcdef"
PASSWORD = "password-of-the-contract-tests-0123456789"
WIRES = ("fast", pytest.param("plain", marks=pytest.mark.slow))
"""The socket paths (`CASARE_WIRE`). The tests of `plain` count as slow together: they double the minutes."""
START_SECONDS = 90.0
"""A start takes three seconds; on a machine that many tests share, it took half a minute."""
STOP_SECONDS = 20.0
_MAIN = "from casare_rpa.cli.main import main\nmain()"
_ANNOUNCED = "listening on http://"


@dataclass(frozen=True)
class Account:
    """The id and the key of a robot."""

    robot_id: str
    api_key: str
    key_id: str
    tenant_id: str


@dataclass
class Server:
    """A running server. `http` uses the admin secret."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    url: str = ""
    _announced: threading.Event = field(default_factory=threading.Event)
    _reader: threading.Thread | None = None
    http: httpx2.Client = field(init=False)

    def listen(self) -> None:
        """Collects the output of the process until its end; returns after it has printed its address."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._announced.wait(START_SECONDS) or not self.url:
            self.process.kill()
            self.process.wait()
            self._reader.join(STOP_SECONDS)
            assert self.process.stdout is not None
            self.process.stdout.close()
            raise AssertionError("the server did not start:\n" + "".join(self.lines))
        self.http = httpx2.Client(base_url=self.url, headers={"X-API-Secret": ADMIN_SECRET}, timeout=10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if _ANNOUNCED in line and not self.url:
                self.url = "http://" + line.partition(_ANNOUNCED)[2].split()[0]
                self._announced.set()
        self._announced.set()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Stop the process with SIGTERM; returns its exit code after its output is complete.

        Raises:
            subprocess.TimeoutExpired: it did not end in time; it is killed.
        """
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.http.close()
        assert self._reader is not None
        self._reader.join(STOP_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def ws(self, path: str, **parameters: str) -> str:
        """The WebSocket address of a path."""
        return f"ws{self.url.removeprefix('http')}{path}" + (f"?{urlencode(parameters)}" if parameters else "")

    def post(self, path: str, body: Mapping[str, Any] | None = None, status: int = 201) -> Any:
        """The decoded answer to a POST under /api/v1, which must have this status."""
        response = self.http.post(f"/api/v1{path}", json=dict(body or {}))
        assert response.status_code == status, f"POST {path}: {response.status_code} {response.text}"
        return response.json()

    def get(self, path: str) -> Any:
        """The decoded answer to a GET under /api/v1, which must be 200."""
        response = self.http.get(f"/api/v1{path}")
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text}"
        return response.json()

    def robot(self, tenant_id: str = "default", **profile: Any) -> Account:
        """A new robot with a key."""
        robot_id = f"robot-{uuid.uuid4().hex[:8]}"
        self.post("/robots", {"robot_id": robot_id, "tenant_id": tenant_id, **profile})
        key = self.post(f"/robots/{robot_id}/keys")
        return Account(robot_id, key["api_key"], key["key_id"], tenant_id)

    def tenant(self) -> str:
        """A new tenant."""
        tenant_id = f"tenant-{uuid.uuid4().hex[:8]}"
        self.post("/tenants", {"tenant_id": tenant_id, "name": "A tenant"})
        return tenant_id

    def job(self, account: Account, **wishes: Any) -> Any:
        """A new job for this robot only."""
        wanted = {"workflow_id": "invoices", "robot_id": account.robot_id, "tenant_id": account.tenant_id}
        return self.post("/jobs", {**wanted, **wishes})

    def token(self) -> str:
        """A fresh JWT of the bootstrap user."""
        return str(self.post("/auth/login", {"username": "admin", "password": PASSWORD}, 200)["access_token"])


@contextmanager
def serving(data_directory: Path, *, before: str = "", **environment: str) -> Iterator[Server]:
    """A server on a free port with this data directory; stopped at the end, if it still runs.

    `before` is Python that its process runs first.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    secrets = {
        "CASARE_API_SECRET": ADMIN_SECRET,
        "CASARE_JWT_SECRET": JWT_SECRET,
        "CASARE_ADMIN_PASSWORD": PASSWORD,
    }
    port = environment.get("CASARE_PORT", "0")
    arguments = ["serve", "--host", "127.0.0.1", "--port", port, "--data-dir", str(data_directory)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", f"{before}\n{_MAIN}", *arguments],
        env={**inherited, **secrets, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    server = Server(process)
    server.listen()
    try:
        yield server
    finally:
        if process.poll() is None:
            server.ask_to_stop()
            server.wait()
