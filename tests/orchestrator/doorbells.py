"""A bus that connects control planes in one process and loses, repeats or delays their hints."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from casare_rpa.infrastructure.orchestrator.ports.bus import BusStatistics, Hint


@dataclass(slots=True)
class Doorbells:
    """What connects the ends. `lost` and `repeated` are shares."""

    lost: float = 0.0
    repeated: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    ends: list["Doorbell"] = field(default_factory=list)

    def end(self) -> "Doorbell":
        """The bus of one more instance."""
        self.ends.append(Doorbell(self))
        return self.ends[-1]

    def deliver(self, hint: Hint) -> None:
        """Deliver a hint to every instance, also to the one that made it."""
        for end in self.ends:
            if self.chance.random() >= self.lost:
                for _ in range(1 + (self.chance.random() < self.repeated)):
                    end.arrive(hint)


class Doorbell:
    """The bus of one instance."""

    kind = "doorbells"
    alive = True

    def __init__(self, doorbells: Doorbells) -> None:
        self._doorbells = doorbells
        self._receivers: list[Callable[[Hint], None]] = []
        self.statistics = BusStatistics()
        self.rung: list[Hint] = []

    def ring(self, hint: Hint) -> None:
        self.rung.append(hint)
        self._doorbells.deliver(hint)

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        self._receivers.append(receive)

    def arrive(self, hint: Hint) -> None:
        for receive in self._receivers:
            receive(hint)
