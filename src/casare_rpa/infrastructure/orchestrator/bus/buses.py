"""Opens the bus of the settings. The only module that imports all buses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casare_rpa.domain.bus_urls import parse_bus_url
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.alone import Alone, Polling
from casare_rpa.infrastructure.orchestrator.bus.monitored import Connector, MonitoredBus
from casare_rpa.infrastructure.orchestrator.ports.bus import Bus
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, Settings


@asynccontextmanager
async def open_bus(settings: Settings, clock: Clock) -> AsyncIterator[Bus]:
    """The bus between the instances of the store of the settings; it stops when the context ends.

    Raises:
        InvalidSettings: the server refuses the credentials. A server that is away is tried again later.
    """
    if settings.store_url.startswith(SQLITE_SCHEME):
        yield Alone()
    elif (connector := _connector(settings)) is None:
        yield Polling()
    else:
        async with MonitoredBus(connector, clock).running() as bus:
            yield bus


def _connector(settings: Settings) -> Connector | None:
    """The way of the hints; `None` if there are none."""
    if settings.bus_url is None:
        from casare_rpa.infrastructure.orchestrator.bus.postgres import PostgresConnector

        return PostgresConnector(settings.store_url)
    servers = parse_bus_url(settings.bus_url.get_secret_value())
    if not servers:
        return None
    try:
        from casare_rpa.infrastructure.orchestrator.bus.nats import NatsConnector, subject_of
    except ModuleNotFoundError as error:
        sentence = f"{error.name} is not installed: pip install 'casare-rpa[server,nats]'"
        raise InvalidSettings(sentence, field="CASARE_BUS_URL") from None
    subject = subject_of(settings.jwt_secret.get_secret_value().encode())
    return NatsConnector(servers, subject, settings.bus_credentials)
