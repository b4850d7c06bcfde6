"""When the next broadcast or write of reports begins: at once, or in rounds under load."""

BUSY_MESSAGES_PER_SECOND = 5_000
BUSY_ROUND_SECONDS = 0.025
COUNTED_SECONDS = 0.05


class Pacing:
    """Measures the rate of reports, and computes the pauses between rounds.

    Quiet (up to 5,000 reports a second): a round begins at once. Busy: rounds begin 25 ms apart. A round costs nearly
    the same for one message as for many, so that under load fewer rounds leave more time for each message.
    Times are those of the event loop, in seconds. Source: bench/fairness.py.
    """

    def __init__(self) -> None:
        self.received = 0
        """Reports that go into the store. Merged reports, heartbeats and log lines do not count: a single robot that
        sends without a pause must not slow down all."""
        self._counted = 0
        self._counted_at = 0.0
        self._busy = False

    def wait_seconds(self, last_at: float, now: float) -> float:
        """How long to wait with a round after one that began at `last_at`; 0.0 while it is quiet."""
        passed = now - self._counted_at
        if passed >= COUNTED_SECONDS:
            self._busy = self.received - self._counted > BUSY_MESSAGES_PER_SECOND * passed
            self._counted, self._counted_at = self.received, now
        return max(0.0, last_at + BUSY_ROUND_SECONDS - now) if self._busy else 0.0
