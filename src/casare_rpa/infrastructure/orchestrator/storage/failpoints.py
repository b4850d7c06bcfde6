"""Injected faults for tests: `store.commit:error`, `store.commit:kill@3`, `store.committed:kill`, comma separated.

`store.commit` is just before COMMIT, `store.committed` just after it and before the callers are answered. `error`
fails the commit, `kill` ends the process as `kill -9` does; `@n` means the n-th time only,
`@n+` every time from then on.
"""

import os
import signal
from dataclasses import dataclass

from casare_rpa.domain.errors import InvalidSettings

POINTS = ("store.commit", "store.committed")
ACTIONS = ("error", "kill")


class InjectedFault(Exception):
    """The error that a fail-point raises."""


class UnknownFailpoint(InvalidSettings, ValueError):
    """CASARE_FAILPOINTS names an unknown point or action; the message lists the known ones."""


@dataclass(slots=True)
class _Fault:
    point: str
    action: str
    first: int
    last: float
    hits: int = 0


class Failpoints:
    """The faults of one process. They are inactive until `arm`, so that the start succeeds."""

    def __init__(self, text: str = "") -> None:
        """Raises UnknownFailpoint for a point or an action that does not exist."""
        self._faults = [_parse(part.strip()) for part in text.split(",") if part.strip()]
        self.active = False
        """Whether a fault may be due; callers need not call `hit` otherwise."""

    def arm(self) -> None:
        self.active = bool(self._faults)

    def hit(self, point: str) -> None:
        """Raise InjectedFault, end the process as `kill -9` does, or do nothing, as configured for this point."""
        if not self.active:
            return
        for fault in self._faults:
            if fault.point != point:
                continue
            fault.hits += 1
            if not fault.first <= fault.hits <= fault.last:
                continue
            if fault.action == "kill":
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            raise InjectedFault(f"fail-point {point}")


def _parse(text: str) -> _Fault:
    point, _, rest = text.partition(":")
    action, at, when = rest.partition("@")
    if point not in POINTS or action not in ACTIONS:
        raise UnknownFailpoint(
            f"CASARE_FAILPOINTS: {text!r}; points: {', '.join(POINTS)}; actions: {', '.join(ACTIONS)}"
        )
    if not at:
        return _Fault(point, action, 1, float("inf"))
    if not when.removesuffix("+").isdigit():
        raise UnknownFailpoint(f"CASARE_FAILPOINTS: {text!r}: after @ comes a number, or a number and +")
    first = int(when.removesuffix("+"))
    return _Fault(point, action, first, float("inf") if when.endswith("+") else first)
