"""The bus of a server whose events may be lost, repeated or late, and reach receivers in any order."""

import asyncio
import random
from dataclasses import dataclass

from casare_rpa.infrastructure.orchestrator.bus.events import Event, EventBus

LATEST_SECONDS = 3.0


@dataclass(slots=True)
class HintFaults:
    """The current shares of lost, repeated and late events. They survive a process of the server."""

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0

    def clear(self) -> None:
        self.lost = self.repeated = self.late = 0.0


class UnreliableBus(EventBus):
    """Guarantees only what the bus guarantees: every event is a hint, and receivers have no order."""

    def __init__(self, faults: HintFaults, chance: random.Random) -> None:
        super().__init__()
        self._faults = faults
        self._chance = chance

    def publish(self, event: Event) -> None:
        faults, chance = self._faults, self._chance
        if chance.random() < faults.lost:
            return
        if chance.random() < faults.repeated:
            self._later(event)
        if chance.random() < faults.late:
            self._later(event)
        else:
            self._deliver(event)

    def _later(self, event: Event) -> None:
        """Deliver the event later in the process that published it, unless that is killed before."""
        asyncio.get_running_loop().call_later(self._chance.random() * LATEST_SECONDS, self._deliver, event)

    def _deliver(self, event: Event) -> None:
        self._chance.shuffle(self._receivers.get(type(event), []))
        super().publish(event)
