"""The assignment of pending jobs to free robots: `choose` is the only function that decides it."""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, KeysView, Sequence
from itertools import count
from operator import attrgetter, itemgetter
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

    def profiles(self) -> KeysView[Profile]:
        """The profiles of all robots with a slot."""
        return self._by_profile.keys()

    def room(self, profile: Profile, most: int) -> int:
        """The number of free slots of a profile, counted up to `most`."""
        room = 0
        for slot in self.in_order(profile):
            room += slot.free
            if room >= most:
                return most
        return room

    def in_order(self, profile: Profile) -> Iterator[Slot]:
        """The slots of a profile that have room, the one that was idle longest first. Read as far as it is used."""
        return (slot for _, robot_id in self._by_profile[profile] if (slot := self.by_id[robot_id]).free > 0)


class _ProfileSlots:
    """The slots of one profile. Those of `unused` come first, then the used ones that have room left."""

    __slots__ = ("again", "profile", "unused")

    def __init__(self, profile: Profile, unused: Iterator[Slot]) -> None:
        self.profile = profile
        self.unused = unused
        self.again: deque[Slot] = deque()


_Entry = tuple[int, int, float, str, Slot, _ProfileSlots]
"""The best slot of a profile: jobs that it got already, tags, idle since, robot; and the slots of the profile."""


class _SlotOrder:
    """The slots in the order of use, by tenant. Each profile is in it with its best slot only.

    So a used slot is passed once, and not once for each placement, and only profiles are compared with a placement.
    """

    def __init__(self, slots: Slots) -> None:
        self._by_id = slots.by_id
        self._used: dict[str, int] = {}
        self._best: dict[str, list[_Entry]] = {}
        self._fits: dict[Placement, dict[_ProfileSlots, bool]] = {}
        for profile in slots.profiles():
            self._enter(_ProfileSlots(profile, slots.in_order(profile)))

    def next_slot(self, placement: Placement) -> Slot | None:
        """The best slot that fits and has room left, which is then used for one job."""
        if placement.robot_id is not None:
            slot = self._by_id.get(placement.robot_id)
            fits = slot is not None and may_run(slot.profile, slot.robot_id, placement)
            return slot if slot is not None and fits and self._use(slot) else None
        best = self._best.get(placement.tenant_id, [])
        while (index := self._first_fitting(best, placement)) is not None:
            *_, slot, group = best.pop(index)
            has_room = self._use(slot)  # a job with this target robot may have used it
            if has_room:
                group.again.append(slot)
            self._enter(group)
            if has_room:
                return slot
        return None

    def _use(self, slot: Slot) -> bool:
        """Count one more job of the robot. Returns whether it has room for it."""
        used = self._used.get(slot.robot_id, 0)
        if used >= slot.free:
            return False
        self._used[slot.robot_id] = used + 1
        return True

    def _first_fitting(self, best: Sequence[_Entry], placement: Placement) -> int | None:
        fits = self._fits.setdefault(placement, {})
        for index, entry in enumerate(best):
            group = entry[-1]
            if group not in fits:
                fits[group] = may_run(group.profile, "", placement)
            if fits[group]:
                return index
        return None

    def _enter(self, group: _ProfileSlots) -> None:
        slot = next(group.unused, None) or (group.again.popleft() if group.again else None)
        if slot is not None:
            used = self._used.get(slot.robot_id, 0)
            entry = (used, len(group.profile.tags), slot.idle_since, slot.robot_id, slot, group)
            insort(self._best.setdefault(group.profile.tenant_id, []), entry)


def choose(heads: Sequence[Head], slots: Slots) -> list[SlotAssignment]:
    """The assignments of pending jobs to free robots: tenants take turns; in a tenant, the earliest rank is first.

    Among the robots that fit, a robot with fewer of these jobs is first; then the one with the fewest tags, which keeps
    specialists free for jobs that need their tags; then the one that was idle longest. A slot is used at most `free`
    times, a job at most once.
    """
    order = _SlotOrder(slots)
    chosen: list[SlotAssignment] = []
    for head in _in_turn(heads):
        slot = order.next_slot(head.placement)
        if slot is not None:
            chosen.append(SlotAssignment(head.job_id, slot))
    return chosen


def _in_turn(heads: Sequence[Head]) -> list[Head]:
    """The heads in turns: the first head of every tenant, then the second head of every tenant, and so on."""
    turns: defaultdict[str, count[int]] = defaultdict(count)
    in_order = sorted(heads, key=attrgetter("rank", "job_id"))
    numbered = [(next(turns[head.placement.tenant_id]), head) for head in in_order]
    # The sort is stable: heads with the same turn keep their order.
    return [head for _, head in sorted(numbered, key=itemgetter(0))]
