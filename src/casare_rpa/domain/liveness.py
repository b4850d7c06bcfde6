"""Times of heartbeats, leases and offers, and the backoff of retries and reconnects."""

from dataclasses import dataclass

from casare_rpa.domain.instants import Instant, seconds_between
from casare_rpa.domain.vocabulary import CloseCode, Reconnect

HEARTBEAT_INTERVAL_SECONDS = 30
HEARTBEAT_TIMEOUT_SECONDS = 90
PING_AFTER_SILENCE_SECONDS = 30
LEASE_SECONDS = 90
JUDGED_WITHIN_SECONDS = 10
"""A lease that is found to be over later than this after its end was not stored, or not read, at its end."""
OFFER_TTL_SECONDS = 15
"""How long an offer waits for its claim. Only for robots with `claim_ack`: without a claim they have not started."""
HELD_OFFER_SECONDS = 90
"""The same for other robots: they may start the job and report later."""
CANCEL_GRACE_SECONDS = 30
SLOW_RECONNECT_SECONDS = 300.0

RETRY_FIRST_SECONDS = 5.0
RETRY_CAP_SECONDS = 600.0
REJECT_CAP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: a random delay below a bound that doubles with each attempt up to a cap."""

    first_seconds: float = 1.0
    cap_seconds: float = 60.0
    factor: float = 2.0

    def delay(self, attempt: int, jitter: float) -> float:
        """Seconds to wait before reconnect `attempt` (0 is the first). `jitter` is a random number in [0, 1)."""
        bound: float = min(self.cap_seconds, self.first_seconds * self.factor ** min(attempt, 64))
        return bound * jitter


def judged_late(lease_expires_at: Instant, now: Instant) -> bool:
    """Whether a lease that is found at `now` was over for so long that no instance knew it at its end."""
    return seconds_between(lease_expires_at, now) > JUDGED_WITHIN_SECONDS


def retry_delay_seconds(starts: int, jitter: float) -> float:
    """Seconds until a failed job may start again after `starts` starts: 5 s to 10 min, the half of it random."""
    bound: float = min(RETRY_CAP_SECONDS, RETRY_FIRST_SECONDS * 2.0 ** min(max(starts - 1, 0), 64))
    return bound * (0.5 + 0.5 * jitter)


def reject_delay_seconds(rejects: int) -> float:
    """Seconds until a job is offered again after so many offers that no robot accepted: 1 s to 1 min."""
    return float(min(REJECT_CAP_SECONDS, 2 ** min(max(rejects - 1, 0), 16)))


def reconnect_after(close_code: int | None) -> Reconnect:
    """The rule for clients after this close code (`None`: the connection broke). For unknown codes it is `yes`."""
    if close_code is None or close_code not in set(CloseCode):
        return Reconnect.YES
    return CloseCode(close_code).reconnect
