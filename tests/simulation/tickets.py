"""Users of tickets, who present each one several times. A ticket opens one connection, at any instance."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import CasareError
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from tests.simulation.network import Gone
from tests.simulation.people import Person

HOLDER = Principal(Role.ADMIN, "holder of tickets")
PATH = "/ws/admin"
LAST_TICKETS = 8


class TicketUser(Person):
    """Gets tickets from one instance, and presents them to others, sometimes more than once at a time."""

    async def use_tickets(self) -> None:
        while True:
            await asyncio.sleep(self.chance.random() * 25.0)
            with suppress(Gone, CasareError):
                await self._use_one(self.chance.choice((1, 2, 3)))

    async def use_last_tickets(self) -> None:
        """Without faults, tickets are accepted, whichever instance issued them."""
        for _ in range(LAST_TICKETS):
            accepted = 0
            with suppress(Gone, CasareError):
                accepted = await self._use_one(1)
            self.history.last_tickets.append(accepted)

    async def _use_one(self, times: int) -> int:
        async def issue(plane: ControlPlane) -> Any:
            return await plane.tickets.issue(PATH, HOLDER)

        text, _ = await self.cluster.call(issue)
        accepted = sum(await asyncio.gather(*(self._present(text) for _ in range(times))))
        self.note(f"a ticket was accepted {accepted} of {times} times")
        self.history.tickets.append((self.loop.time(), accepted))
        return accepted

    async def _present(self, text: str) -> bool:
        """Whether the connection is accepted. One whose answer is lost counts as refused."""
        await asyncio.sleep(self.chance.random() * self.chance.choice((0.01, 3.0)))
        with suppress(Gone, TimeoutError):
            connection = await self.cluster.connect(PATH, f"api_secret={text}", "holder")
            try:
                connection.send(json.dumps({"type": "subscribe", "payload": {"channels": ["queue"]}}))
                async with asyncio.timeout(20.0):
                    answer = json.loads(await connection.receive())
                return bool(answer["type"] != "error")
            finally:
                connection.close()
        return False
