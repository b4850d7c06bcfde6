"""How fast time goes in a run: as in production, or with every deadline about a tenth, for the short form.

`apply` must come before any other import of the product: other modules copy the figures when they are loaded.
"""

import os
from dataclasses import dataclass

VARIABLE = "CHAOS_PACE"


@dataclass(frozen=True)
class Pace:
    """What a run needs to know of the deadlines. Seconds."""

    name: str
    lease: float
    pause: float
    """A SIGSTOP that must do no harm."""
    work: float
    """The longest job."""
    calm: float
    """After the last fault everything must end within this."""
    back: float
    """How long to wait for all robots to be back before the next fault comes anyway; it is still seen when they are."""


PRODUCTION = Pace("production", lease=90, pause=5, work=2.0, calm=240, back=6)
COMPRESSED = Pace("compressed", lease=8, pause=2, work=0.4, calm=45, back=4)
PACES = {pace.name: pace for pace in (PRODUCTION, COMPRESSED)}


def apply() -> Pace:
    """Set the pace that the environment names."""
    pace = PACES[os.environ.get(VARIABLE, PRODUCTION.name)]
    if pace is COMPRESSED:
        from casare_rpa.domain import liveness

        liveness.HEARTBEAT_INTERVAL_SECONDS = 2
        liveness.HEARTBEAT_TIMEOUT_SECONDS = 8
        liveness.PING_AFTER_SILENCE_SECONDS = 3
        liveness.LEASE_SECONDS = 8
        liveness.OFFER_TTL_SECONDS = 3
        liveness.CANCEL_GRACE_SECONDS = 3
        liveness.SLOW_RECONNECT_SECONDS = 10.0
        liveness.RETRY_FIRST_SECONDS = 0.5
        liveness.RETRY_CAP_SECONDS = 4.0
        liveness.Backoff.__init__.__defaults__ = (0.2, 2.0, 2.0)
    return pace
