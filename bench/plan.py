"""How long is measured, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Turns of each measure, in which those that are compared take turns, and the seconds of one."""

    turns: int
    seconds: float
    late_seconds: float


WHOLE = Plan(turns=3, seconds=0.8, late_seconds=1.0)
QUICK = Plan(turns=1, seconds=1.2, late_seconds=1.5)
BRIEF = Plan(turns=1, seconds=1.5, late_seconds=1.5)
"""What has no target and nothing beside it, in a whole run."""
