"""The deadlines of a run: those of production, or about a tenth of them in the short form.

Call `apply` before any other import of the product, because other modules copy the figures when they are imported.
"""

import os
from dataclasses import dataclass

VARIABLE = "CHAOS_PACE"


@dataclass(frozen=True)
class Pace:
    """The deadlines of a run, in seconds."""

    name: str
    lease: float
    pause: float
    """The length of a SIGSTOP without consequences."""
    work: float
    """The longest job."""
    calm: float
    """All jobs must end within this time after the last fault."""
    back: float
    """The longest wait for all robots before the next fault. Their later return is still recorded."""


PRODUCTION = Pace("production", lease=90, pause=5, work=2.0, calm=240, back=6)
COMPRESSED = Pace("compressed", lease=8, pause=2, work=0.4, calm=45, back=4)
PACES = {pace.name: pace for pace in (PRODUCTION, COMPRESSED)}


def apply() -> Pace:
    """Apply the pace of the environment."""
    pace = PACES[os.environ.get(VARIABLE, PRODUCTION.name)]
    if pace is COMPRESSED:
        from casare_rpa.domain import liveness

        liveness.HEARTBEAT_INTERVAL_SECONDS = 2
        liveness.HEARTBEAT_TIMEOUT_SECONDS = 8
        liveness.PING_AFTER_SILENCE_SECONDS = 3
        liveness.LEASE_SECONDS = 8
        liveness.OFFER_TTL_SECONDS = 3
        liveness.HELD_OFFER_SECONDS = 8
        liveness.CANCEL_GRACE_SECONDS = 3
        liveness.SLOW_RECONNECT_SECONDS = 10.0
        liveness.RETRY_FIRST_SECONDS = 0.5
        liveness.RETRY_CAP_SECONDS = 4.0
        liveness.Backoff.__init__.__defaults__ = (0.2, 2.0, 2.0)
    return pace
