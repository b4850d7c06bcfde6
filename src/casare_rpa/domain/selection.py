"""Which robot gets which job: the one place that decides."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Placement, Profile, may_run


@dataclass(frozen=True, slots=True)
class Slot:
    """A connected robot with room for `free` of `capacity` jobs; `idle_since` orders those that are alike."""

    robot_id: str
    session_id: str
    profile: Profile
    free: int
    capacity: int
    claim_ack: bool = False
    idle_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Head:
    """A waiting job at the front of its placement's line."""

    job_id: str
    placement: Placement
    rank: Instant


@dataclass(frozen=True, slots=True)
class Assignment:
    """This job goes to this robot."""

    job_id: str
    slot: Slot


def choose(heads: Sequence[Head], slots: Iterable[Slot]) -> list[Assignment]:
    """Assignments of waiting jobs to free robots: tenants in turn, earliest rank first inside a tenant.

    Among robots that fit, the one with the fewest tags goes first (specialists are kept for what only they can
    do), then the one that was idle longest. Every slot is used at most `free` times, every job at most once.
    """
    free = {slot.robot_id: slot.free for slot in slots if slot.free > 0}
    by_id = {slot.robot_id: slot for slot in slots}
    waiting: dict[Placement, deque[Slot]] = {}
    ordered = sorted(by_id.values(), key=lambda s: (len(s.profile.tags), s.idle_since, s.robot_id))
    chosen: list[Assignment] = []
    for head in _in_turn(heads):
        placement = head.placement
        if placement not in waiting:
            target = by_id.get(placement.robot_id or "")
            candidates = ordered if placement.robot_id is None else [target] if target is not None else []
            waiting[placement] = deque(s for s in candidates if may_run(s.profile, s.robot_id, placement))
        line = waiting[placement]
        while line and not free.get(line[0].robot_id):
            line.popleft()
        if line:
            slot = line[0]
            free[slot.robot_id] -= 1
            line.rotate(-1)
            chosen.append(Assignment(head.job_id, slot))
    return chosen


def _in_turn(heads: Sequence[Head]) -> list[Head]:
    """Heads by turn: the first of every tenant, then the second of every tenant, and so on."""
    turns: dict[str, count[int]] = {}
    keyed: list[tuple[int, Instant, str, Head]] = []
    for head in sorted(heads, key=lambda h: (h.rank, h.job_id)):
        turn = next(turns.setdefault(head.placement.tenant_id, count()))
        keyed.append((turn, head.rank, head.job_id, head))
    return [head for *_, head in sorted(keyed, key=lambda k: k[:3])]
