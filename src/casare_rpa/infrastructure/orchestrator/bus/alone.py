"""The bus of an instance that has its store for itself."""

from collections.abc import Callable

from casare_rpa.infrastructure.orchestrator.ports.bus import Hint


class Alone:
    """Has no other instance to send hints to. The instance then makes none, and reads only its own changes."""

    kind = "alone"
    alive = True

    def ring(self, hint: Hint) -> None:
        """Drop the hint."""

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        """Do nothing: no hint arrives."""
