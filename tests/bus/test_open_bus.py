"""Which bus an instance has, by its settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.servers import NATS_SERVERS, NatsServer, nats_server
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.buses import open_bus
from casare_rpa.infrastructure.orchestrator.bus.monitored import MonitoredBus
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.settings import Settings
from fake_clock import FakeClock
from postgres_server import DEBIAN, PostgresServer, running

SECRET = "a-password-that-is-hidden"


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    lines = f'authorization {{ user: casare, password: "{SECRET}" }}'
    with nats_server(NATS_SERVERS["nats of today"], lines) as server:
        yield server


@pytest.fixture
def postgres() -> PostgresServer:
    return running(DEBIAN)


def settings(folder: Path, database_url: str | None, bus_url: str | None) -> Settings:
    found = Settings(data_dir=folder, jwt_secret=SecretStr("c4nary-of-the-test-with-32-bytes"), bus_url=bus_url)
    return found.model_copy(update={"database_url": database_url})


@pytest.mark.parametrize("bus_url", [None, "off"])
async def test_sqlite_has_one_instance(tmp_path: Path, bus_url: str | None) -> None:
    async with open_bus(settings(tmp_path, None, bus_url), FakeClock()) as bus:
        assert (bus.kind, bus.alive) == ("alone", True)


@pytest.mark.slow
async def test_postgresql_has_its_own_bus(tmp_path: Path, postgres: PostgresServer) -> None:
    async with open_bus(settings(tmp_path, postgres.url(), None), FakeClock()) as bus:
        assert bus.kind == "postgresql"
        assert isinstance(bus, MonitoredBus)


async def test_bus_can_be_off(tmp_path: Path, postgres: PostgresServer) -> None:
    async with open_bus(settings(tmp_path, postgres.url(), "off"), FakeClock()) as bus:
        got: list[Hint] = []
        bus.subscribe(got.append)
        bus.ring(Hint("a", jobs=1))
        assert (bus.kind, bus.alive, got) == ("off", True, [])


async def test_nats_with_a_password(tmp_path: Path, nats: NatsServer) -> None:
    url = f"nats://casare:{SECRET}@127.0.0.1:{nats.port}"
    async with open_bus(settings(tmp_path, "postgresql://db", url), FakeClock()) as bus:
        assert bus.kind == "nats"
    with pytest.raises(InvalidSettings, match="refuses the credentials"):
        async with open_bus(settings(tmp_path, "postgresql://db", url.replace(SECRET, "wrong")), FakeClock()):
            pass


async def test_instance_on_sqlite_is_alone(tmp_path: Path) -> None:
    async with ControlPlane.open(settings(tmp_path, None, None)) as plane:
        assert plane.bus.kind == "alone"
        assert plane.ringer is None
