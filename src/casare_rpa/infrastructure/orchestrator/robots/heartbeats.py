"""The last heartbeats of each robot, for the bars of a page. Kept in memory only, since the start of the process."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.vocabulary import RobotStatus

KEPT = 60
_STATUSES = tuple(RobotStatus)


@dataclass(frozen=True, slots=True)
class PastHeartbeat:
    """One heartbeat. `at` is its arrival; `status` is the computed status after it."""

    at: Instant
    status: RobotStatus
    cpu_percent: float
    memory_mb: float


class HeartbeatHistory:
    """A ring buffer of the last 60 heartbeats; about 1 KiB."""

    __slots__ = ("_at", "_next", "_statuses", "_values")

    def __init__(self) -> None:
        self._at = array("q")
        self._statuses = bytearray()
        self._values = array("f")
        self._next = 0

    def add(self, beat: PastHeartbeat) -> None:
        status = _STATUSES.index(beat.status)
        if len(self._at) < KEPT:
            self._at.append(beat.at)
            self._statuses.append(status)
            self._values.extend((beat.cpu_percent, beat.memory_mb))
            return
        place = self._next
        self._at[place], self._statuses[place] = beat.at, status
        self._values[2 * place], self._values[2 * place + 1] = beat.cpu_percent, beat.memory_mb
        self._next = (place + 1) % KEPT

    @property
    def newest_at(self) -> Instant:
        """The time of the newest heartbeat; 0 without one."""
        return Instant(self._at[self._next - 1] if self._at else 0)

    def __iter__(self) -> Iterator[PastHeartbeat]:
        """Iterates oldest first."""
        number = len(self._at)
        for step in range(number):
            i = (self._next + step) % number
            yield PastHeartbeat(
                Instant(self._at[i]),
                _STATUSES[self._statuses[i]],
                round(self._values[2 * i], 1),
                round(self._values[2 * i + 1], 1),
            )
