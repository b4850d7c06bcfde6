"""The buses that carry no hint."""

from collections.abc import Callable

from casare_rpa.infrastructure.orchestrator.ports.bus import BusStatistics, Hint


class Alone:
    """Has no other instance to send hints to. The instance then makes none, and reads only its own changes."""

    kind = "alone"
    alive = True

    def __init__(self) -> None:
        self.statistics = BusStatistics()

    def ring(self, hint: Hint) -> None:
        """Drop the hint."""

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        """Do nothing: no hint arrives."""


class Polling:
    """Carries no hint, although other instances may run: each of them looks for changes every second."""

    kind = "off"
    alive = True

    def __init__(self) -> None:
        self.statistics = BusStatistics()

    def ring(self, hint: Hint) -> None:
        """Drop the hint."""

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        """Do nothing: no hint arrives."""
