"""The placements of pending jobs: an in-memory index of the writer.

With it, a claim reads only placements that its robots can serve. The index contains every placement with a job that
is ready; it may also contain placements that have become empty. It gets the placements of other writers late, within a
second: reading all of them takes 3 µs for each.
"""

from collections.abc import Iterable, KeysView, Mapping, Sequence
from dataclasses import dataclass

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.robots import Placement, Profile, may_run
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.storage.rows import placement_from, placement_text

MAX_PROFILES = 1_000
PAUSE_PER_PLACEMENT_SECONDS = 150e-6
"""The shortest time between two reads of all placements, per placement: 50 times that of the read."""
MAX_PAUSE_SECONDS = 0.8
"""The longest. It is less than the second after which an instance claims again, by the slowest rate of its clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of pending jobs and its text in the store. Compared by identity: the index has one for each."""

    placement: Placement
    text: str


@dataclass(frozen=True, slots=True)
class ServableLines:
    """Lines of one tenant that the same robots can serve, and for how many of their jobs those robots have room.

    The jobs of such lines compete for the same slots, so that only the first `room` of all of them can be assigned.
    """

    lines: tuple[Line, ...]
    room: int


class Placements:
    """Placements by tenant and target robot, because most robots can serve only a few of them.

    Each backend reads the placements of the store, and says here when it did.
    """

    def __init__(self) -> None:
        self._open: dict[str, dict[str | None, dict[Placement, Line]]] = {}
        self._by_text: dict[str, Line] = {}
        """The same lines by their texts. Most texts that are read are known, and need not be decoded again."""
        self._fitting: dict[Profile, dict[str, Line]] = {}
        """For each profile, the lines without a target robot that fit it, by their texts. Filled on first use."""
        self._bits: dict[Profile, int] = {}
        """The bit of each of these profiles."""
        self._fitted: dict[str, int] = {}
        """The bits of the profiles that a line fits, by its text."""
        self._added: set[Placement] | None = None
        """The placements that were added since `watch`, known or not; `None` while no read is watched."""
        self._read_at = self._pause_until = Instant(0)

    def clear(self) -> None:
        self._open.clear()
        self._by_text.clear()
        self._forget_profiles()

    def is_pausing(self, at: Instant) -> bool:
        """Whether all placements were read a moment ago. `at` is the time of the claim, which may go back."""
        return self._read_at < at < self._pause_until

    def catch_up(self, texts: Sequence[str], at: Instant) -> None:
        """Add all placements of the store, and begin a pause.

        So other writers cost a claim at most 2 % of the time up to 5,000 placements, and a claim that is repeated every
        second misses a placement once at most.
        """
        self.add_texts(texts)
        pause = min(MAX_PAUSE_SECONDS, len(texts) * PAUSE_PER_PLACEMENT_SECONDS)
        self._read_at, self._pause_until = at, after(at, pause)

    def watch(self) -> None:
        """Begin a read that may find placements empty, while others add placements: see `remove_empty`."""
        self._added = set()

    def remove_empty(self, placements: Iterable[Placement]) -> None:
        """Remove placements that a read found empty, unless they were added since `watch`; ends the watch."""
        added, self._added = self._added or (), None
        for placement in placements:
            if placement not in added:
                self.remove(placement)

    def add_texts(self, texts: Iterable[str]) -> None:
        known = self._by_text
        self.add(known[text].placement if text in known else placement_from(text) for text in texts)

    def add(self, placements: Iterable[Placement]) -> None:
        for placement in placements:
            if self._added is not None:
                self._added.add(placement)
            lines = self._open.setdefault(placement.tenant_id, {}).setdefault(placement.robot_id, {})
            if placement in lines:
                continue
            lines[placement] = line = Line(placement, placement_text(placement))
            self._by_text[line.text] = line
            # A new placement is added to the filled entries. Otherwise the next claim would compare all placements with
            # each profile again.
            if placement.robot_id is None:
                for profile in self._fitting:
                    self._compare(profile, line)

    def remove(self, placement: Placement) -> None:
        """Remove a placement that the current transaction found empty."""
        line = self._open.get(placement.tenant_id, {}).get(placement.robot_id, {}).pop(placement, None)
        if line is not None:
            del self._by_text[line.text]
            if self._fitted.pop(line.text, 0):
                for fitting in self._fitting.values():
                    fitting.pop(line.text, None)

    def servable(self, slots: Slots, most: int) -> list[ServableLines]:
        """Every line that one of these robots can serve, with room for up to `most` jobs."""
        self._add_profiles(slots.profiles())
        rooms: dict[int, int] = {}
        tenants: dict[str, list[dict[str, Line]]] = {}
        for profile in slots.profiles():
            if (fitting := self._fitting[profile]) and (room := slots.room(profile, most)):
                rooms[self._bits[profile]] = room
                tenants.setdefault(profile.tenant_id, []).append(fitting)
        # Lines that the same profiles can serve form a group.
        able = sum(rooms)
        groups: dict[int, list[Line]] = {}
        for tenant_id, fittings in tenants.items():
            for line in self._lines(tenant_id, fittings):
                if bits := self._fitted.get(line.text, 0) & able:
                    groups.setdefault(bits, []).append(line)
        found = [ServableLines(tuple(lines), _room(bits, rooms, most)) for bits, lines in groups.items()]
        return found + self._targeted(slots)

    def _lines(self, tenant_id: str, fittings: Sequence[dict[str, Line]]) -> Iterable[Line]:
        """The lines of these entries, each once; or all lines of the tenant, if the entries contain more than these."""
        every = self._open[tenant_id][None]
        if sum(map(len, fittings)) > len(every):
            return every.values()
        lines: dict[str, Line] = {}
        for fitting in fittings:
            lines.update(fitting)
        return lines.values()

    def _targeted(self, slots: Slots) -> list[ServableLines]:
        """The lines that require one of these robots by its id."""
        found: list[ServableLines] = []
        for lines in self._open.values():
            for robot_id in lines.keys() & slots.by_id.keys():
                slot = slots.by_id[robot_id]  # type: ignore[index]  # no robot has the id None
                fitting = tuple(
                    line
                    for placement, line in lines[robot_id].items()
                    if may_run(slot.profile, slot.robot_id, placement)
                )
                if fitting and slot.free > 0:
                    found.append(ServableLines(fitting, slot.free))
        return found

    def _add_profiles(self, profiles: KeysView[Profile]) -> None:
        """Compare all lines with the profiles that are new."""
        new = [profile for profile in profiles if profile not in self._fitting]
        # Profiles that no robot has any more are not removed one by one. Clearing all of them limits the memory.
        if new and len(self._fitting) + len(new) > MAX_PROFILES:
            self._forget_profiles()
            new = [*profiles]
        for profile in new:
            self._fitting[profile] = {}
            self._bits[profile] = 1 << len(self._bits)
            for line in self._open.get(profile.tenant_id, {}).get(None, {}).values():
                self._compare(profile, line)

    def _compare(self, profile: Profile, line: Line) -> None:
        """Note the line for the profile if it fits."""
        if may_run(profile, "", line.placement):
            self._fitting[profile][line.text] = line
            self._fitted[line.text] = self._fitted.get(line.text, 0) | self._bits[profile]

    def _forget_profiles(self) -> None:
        self._fitting.clear()
        self._bits.clear()
        self._fitted.clear()


def _room(bits: int, rooms: Mapping[int, int], most: int) -> int:
    """The sum of the rooms of these bits, counted up to `most`. Each has room for one job at least."""
    if bits.bit_count() >= most:
        return most
    room = 0
    while bits:
        bit = bits & -bits
        room += rooms[bit]
        bits ^= bit
    return min(most, room)
