"""The newest changes of each stream of jobs, for viewers that reconnect. The store has all of them."""

from casare_rpa.domain.feed import MAX_SECONDS, History
from casare_rpa.infrastructure.orchestrator.hub.hub import Audience, Hub
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock


class ChangeHistories:
    """One history for each stream that has a viewer, or had one in the last minutes.

    Without it, the message of every change would be made and kept for streams that no viewer watches.
    """

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self.kept: dict[Audience, History] = {}
        self._watched_at: dict[Audience, float] = {}
        """The monotonic time of the last round in which the stream had a viewer."""

    def begin(self, wanted: Audience, epoch: str, last: int) -> History:
        """The history of a stream. A new one is empty, after the number `last`."""
        history = self.kept.get(wanted)
        if history is None:
            history = self.kept[wanted] = History(epoch, last)
        return history

    async def trim(self) -> None:
        """One round: drop changes that are too old, and the history of a stream without a viewer for as long."""
        now = self._clock.monotonic()
        for wanted, history in [*self.kept.items()]:
            history.trim(now)
            if self._hub.listens(wanted):
                self._watched_at[wanted] = now
            elif now - self._watched_at.setdefault(wanted, now) >= MAX_SECONDS:
                del self.kept[wanted], self._watched_at[wanted]
