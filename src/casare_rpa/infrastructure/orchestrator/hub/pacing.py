"""How much robots say just now, and so whether it is worth while to do things in rounds."""

BUSY_MESSAGES_PER_SECOND = 5_000
BUSY_ROUND_SECONDS = 0.025
COUNTED_SECONDS = 0.05


class Pacing:
    """Counts what comes in of jobs. When that is much, a round for many costs hardly more than one for a few,
    and who waits for a round would else wait as long for a turn. Times are those of the loop. Source: bench/."""

    def __init__(self) -> None:
        self.received = 0
        """Reports on their way into the store: what is merged with another counts for nothing, nor do heartbeats and
        log lines, so that a single robot which talks without end does not set the pace for all."""
        self._counted = 0
        self._counted_at = 0.0
        self._busy = False

    def rest(self, last_at: float, now: float) -> float:
        """Seconds to wait with a round after one at `last_at`: none, unless more comes in than 5,000 a second."""
        passed = now - self._counted_at
        if passed >= COUNTED_SECONDS:
            self._busy = self.received - self._counted > BUSY_MESSAGES_PER_SECOND * passed
            self._counted, self._counted_at = self.received, now
        return max(0.0, last_at + BUSY_ROUND_SECONDS - now) if self._busy else 0.0
