"""The assignment of pending jobs to free robots: `choose` is the only function that decides it."""

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import count, islice
from typing import Self

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Placement, Profile, may_run


class Slot(msgspec.Struct, frozen=True, gc=False):
    """A connected robot with `free` of `capacity` job slots; `idle_since` orders robots of the same profile."""

    robot_id: str
    session_id: str
    profile: Profile
    free: int
    capacity: int
    claim_ack: bool = False
    process: str | None = None
    idle_since: float = 0.0


class Head(msgspec.Struct, frozen=True, gc=False):
    """A pending job among the first of its placement."""

    job_id: str
    placement: Placement
    rank: Instant


class SlotAssignment(msgspec.Struct, frozen=True, gc=False):
    """A job and the slot of the robot that gets it."""

    job_id: str
    slot: Slot


class Slots:
    """Slots by robot, and by profile in the order of use: the robot that was idle longest comes first.

    The cost of a choice grows with the number of jobs to assign, not with the size of the fleet.
    """

    def __init__(self, slots: Iterable[Slot] = ()) -> None:
        self.by_id: dict[str, Slot] = {}
        self._by_profile: dict[Profile, list[tuple[float, str]]] = {}
        for slot in slots:
            self.set_slot(slot)

    def __len__(self) -> int:
        return len(self.by_id)

    def set_slot(self, slot: Slot) -> None:
        """Add a slot, or replace the robot's earlier slot."""
        before = self.by_id.get(slot.robot_id)
        if before is None or (before.profile, before.idle_since) != (slot.profile, slot.idle_since):
            self.remove(slot.robot_id)
            insort(self._by_profile.setdefault(slot.profile, []), (slot.idle_since, slot.robot_id))
        self.by_id[slot.robot_id] = slot

    def remove(self, robot_id: str) -> None:
        """Remove the robot's slot. Does nothing if it has none."""
        slot = self.by_id.pop(robot_id, None)
        if slot is not None:
            group = self._by_profile[slot.profile]
            del group[bisect_left(group, (slot.idle_since, robot_id))]
            if not group:
                del self._by_profile[slot.profile]

    def copy(self) -> Self:
        """A copy that another thread can change."""
        same = type(self)()
        same.by_id = self.by_id.copy()
        same._by_profile = {profile: group.copy() for profile, group in self._by_profile.items()}  # noqa: SLF001
        return same

    def profiles(self) -> Iterable[Profile]:
        """The profiles of all robots with a slot."""
        return self._by_profile.keys()

    def room(self, profile: Profile, most: int) -> int:
        """The number of free slots of a profile, counted up to `most`."""
        room = 0
        for slot in self._in_order(profile):
            room += slot.free
            if room >= most:
                return most
        return room

    def fitting(self, placement: Placement, most: int) -> deque[Slot]:
        """Up to `most` slots with room that fit, best first: fewest tags, then idle longest."""
        if placement.robot_id is not None:
            slot = self.by_id.get(placement.robot_id)
            return deque([slot] if slot is not None and may_run(slot.profile, slot.robot_id, placement) else [])
        fitting = [self._in_order(profile) for profile in self._by_profile if may_run(profile, "", placement)]
        return deque(islice(merge(*fitting, key=_order), most))

    def _in_order(self, profile: Profile) -> Iterator[Slot]:
        return (slot for _, robot_id in self._by_profile[profile] if (slot := self.by_id[robot_id]).free > 0)


def _order(slot: Slot) -> tuple[int, float, str]:
    return (len(slot.profile.tags), slot.idle_since, slot.robot_id)


def choose(heads: Sequence[Head], slots: Slots) -> list[SlotAssignment]:
    """The assignments of pending jobs to free robots: tenants take turns; in a tenant, the earliest rank is first.

    Among the robots that fit, the one with the fewest tags is first, which keeps specialists free for jobs that
    need their tags; then the one that was idle longest. A slot is used at most `free` times, a job at most once.
    """
    used: Counter[str] = Counter()
    waiting: dict[Placement, deque[Slot]] = {}
    # Jobs of other placements can use up len(heads) slots of a list, and its own jobs use at most len(heads) more.
    most = 2 * len(heads)
    chosen: list[SlotAssignment] = []
    for head in _in_turn(heads):
        placement = head.placement
        if placement not in waiting:
            waiting[placement] = slots.fitting(placement, most)
        line = waiting[placement]
        while line and used[line[0].robot_id] >= line[0].free:
            line.popleft()
        if line:
            slot = line[0]
            used[slot.robot_id] += 1
            line.rotate(-1)
            chosen.append(SlotAssignment(head.job_id, slot))
    return chosen


def _in_turn(heads: Sequence[Head]) -> list[Head]:
    """The heads in turns: the first head of every tenant, then the second head of every tenant, and so on."""
    turns: dict[str, count[int]] = {}
    keyed: list[tuple[int, Instant, str, Head]] = []
    for head in sorted(heads, key=lambda h: (h.rank, h.job_id)):
        turn = next(turns.setdefault(head.placement.tenant_id, count()))
        keyed.append((turn, head.rank, head.job_id, head))
    return [head for *_, head in sorted(keyed, key=lambda k: k[:3])]
