"""How long is measured, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Turns of each measure, in which those that are compared take turns, and the seconds of one."""

    turns: int
    seconds: float
    late_seconds: float
    """How late a hundred events a second are."""
    rare_seconds: float = 0.0
    """How late ten events a second are, in the first turn."""


WHOLE = Plan(turns=3, seconds=0.8, late_seconds=1.0, rare_seconds=2.0)
QUICK = Plan(turns=1, seconds=0.8, late_seconds=1.0)
BRIEF = Plan(turns=1, seconds=1.5, late_seconds=1.5, rare_seconds=2.0)
"""What has no target and nothing beside it, in a whole run."""
