"""The bus between instances: hints may be lost, repeated, late, or early, before the writer has its answer."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from casare_rpa.infrastructure.orchestrator.ports.bus import BusStatistics, Hint
from tests.simulation.virtual_loop import Process, VirtualLoop

LATEST_SECONDS = 20.0
USUAL_SECONDS = 0.005


@dataclass(slots=True)
class WireFaults:
    """The current shares of lost, repeated, late and early hints."""

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    early: float = 0.0


class Wire:
    """Between all instances. Each of them gets a hint, or does not, independently of the others and at its own time."""

    def __init__(self, loop: VirtualLoop, chance: random.Random) -> None:
        self._loop = loop
        self._chance = chance
        self.always_lost = 0.0
        """The share that is lost during the whole run."""
        self.faults = WireFaults()
        self._doorbells: list[Doorbell] = []

    def doorbell(self, process: Process) -> "Doorbell":
        """The bus of a new process."""
        self._doorbells = [one for one in self._doorbells if one.process.alive]
        self._doorbells.append(Doorbell(self, process))
        return self._doorbells[-1]

    def send(self, hint: Hint, sender: "Doorbell | None") -> None:
        """Send it to all processes but the sender. A repeated one can also arrive there."""
        faults, chance = self.faults, self._chance
        for doorbell in self._doorbells:
            again = chance.random() < faults.repeated
            if doorbell is not sender and chance.random() >= max(faults.lost, self.always_lost):
                late = chance.random() < faults.late
                self._deliver(hint, doorbell, LATEST_SECONDS if late else USUAL_SECONDS)
            if again:
                self._deliver(hint, doorbell, LATEST_SECONDS)

    def committed(self, number: int) -> None:
        """A change is durable: the store itself may send a hint, before the writer has its answer."""
        if self._chance.random() < self.faults.early:
            self.send(Hint("", jobs=number, work=True), None)

    def _deliver(self, hint: Hint, doorbell: "Doorbell", within_seconds: float) -> None:
        seconds = self._chance.random() * within_seconds
        self._loop.call_later(seconds, doorbell.receive, hint, context=doorbell.process.context)


class Doorbell:
    """The end of the wire in one process. Implements `Bus`."""

    kind = "wire"
    alive = True

    def __init__(self, wire: Wire, process: Process) -> None:
        self._wire = wire
        self.process = process
        self._receivers: list[Callable[[Hint], None]] = []
        self.statistics = BusStatistics()

    def ring(self, hint: Hint) -> None:
        self._wire.send(hint, self)

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        self._receivers.append(receive)

    def receive(self, hint: Hint) -> None:
        for receiver in self._receivers:
            receiver(hint)
