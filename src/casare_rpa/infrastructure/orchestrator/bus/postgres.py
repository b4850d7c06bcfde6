"""The bus over LISTEN and NOTIFY of PostgreSQL."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.monitored import CONNECT_SECONDS, Payload

CHANNEL = "casare"
"""Channels belong to a database, so instances on two databases of a server do not get the hints of each other."""


class PostgresConnector:
    """Opens a connection of its own for hints. It must be direct or session-pooled, as every LISTEN."""

    kind = "postgresql"

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    async def connect(self, receive: Callable[[Payload], None], hints_lost: Callable[[], None]) -> "PostgresLink":
        del hints_lost  # the server keeps notifications until they are read
        try:
            connection = await asyncpg.connect(
                self._database_url,
                timeout=CONNECT_SECONDS,
                statement_cache_size=0,
                target_session_attrs="read-write",  # a standby has no NOTIFY
                server_settings={"application_name": "casare bus"},
            )
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise InvalidSettings(f"PostgreSQL refuses the bus: {error}", field="CASARE_DATABASE_URL") from None
        link = PostgresLink(connection)
        try:
            await connection.add_listener(CHANNEL, lambda _connection, _process, _channel, text: receive(text))
        except BaseException:
            await link.close()
            raise
        return link


class PostgresLink:
    """One connection that listens and notifies, outside of transactions."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self._connection = connection
        self._end = asyncio.Event()
        connection.add_termination_listener(lambda _: self._end.set())

    async def send(self, payload: bytes) -> None:
        await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload.decode())

    async def ended(self) -> str:
        await self._end.wait()
        return "the connection ended"

    async def close(self) -> None:
        self._connection.terminate()
