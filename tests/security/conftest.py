"""The application over ASGI, and a server for each socket path with figures of its process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from api.conftest import api
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from contract.server_process import Server, serving
from fake_clock import FakeClock
from security.held_plane import HeldStore, held_store, settings

__all__ = ["api"]

RECORD_BYTES = 8 * 1024


@pytest.fixture(scope="module", params=["fast", pytest.param("plain", marks=[pytest.mark.slow, pytest.mark.long])])
def wire(request: pytest.FixtureRequest) -> str:
    """The socket path: `make test-all` runs every test that has a server of this folder on both.

    The two paths differ after the handshake; `tests/wire` and `tests/contract` always run on both.
    """
    return str(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, wire: str) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("security"), CASARE_WIRE=wire, CASARE_HANDSHAKE_TIMEOUT_SECONDS="5"
    ) as running:
        yield running
    blameless(running)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[HeldStore]:
    async with held_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(store: HeldStore, clock: FakeClock, tmp_path: Path) -> ControlPlane:
    """Without loops: a test runs the rounds."""
    return ControlPlane(settings(tmp_path), store, clock, EventBus())


def blameless(server: Server) -> None:
    """No request without a credential caused an error of the server or a long record."""
    for sign in ("Traceback", " ERROR ", "CRITICAL", "Task exception", "never retrieved"):
        assert sign not in server.output, server.output[-5000:]
    assert all(len(line.encode()) <= RECORD_BYTES for line in server.lines)


def process_of(server: Server) -> psutil.Process:
    return psutil.Process(server.process.pid)


def cpu_seconds(server: Server) -> float:
    times = process_of(server).cpu_times()
    return float(times.user + times.system)


def memory_bytes(server: Server) -> int:
    return int(process_of(server).memory_info().rss)
