"""The placements of pending jobs: an in-memory index of the writer.

With it, a claim reads only placements that its robots can serve. The index contains every placement with a job that
is ready; it may also contain placements that have become empty. It gets the placements of other writers late, within a
second: reading all of them takes 3 µs for each.
"""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of pending jobs and its text in the store."""

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
        self._open: dict[str, dict[str | None, dict[Placement, str]]] = {}
        self._fitting: dict[Profile, dict[Placement, str]] = {}
        """For each profile, the placements without a target robot that fit it. Filled on first use."""
        self._added: set[Placement] | None = None
        """The placements that were added since `watch`, known or not; `None` while no read is watched."""
        self._read_at = self._pause_until = Instant(0)

    def clear(self) -> None:
        self._open.clear()
        self._fitting.clear()

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
        self.add(map(placement_from, texts))

    def add(self, placements: Iterable[Placement]) -> None:
        for placement in placements:
            if self._added is not None:
                self._added.add(placement)
            line = self._open.setdefault(placement.tenant_id, {}).setdefault(placement.robot_id, {})
            if placement in line:
                continue
            line[placement] = text = placement_text(placement)
            # A new placement is added to the filled entries. Otherwise the next claim would compare all placements with
            # each profile again.
            if placement.robot_id is None:
                for profile, fitting in self._fitting.items():
                    if may_run(profile, "", placement):
                        fitting[placement] = text

    def remove(self, placement: Placement) -> None:
        """Remove a placement that the current transaction found empty."""
        self._open.get(placement.tenant_id, {}).get(placement.robot_id, {}).pop(placement, None)
        for fitting in self._fitting.values():
            fitting.pop(placement, None)

    def servable(self, slots: Slots, most: int) -> list[ServableLines]:
        """Every line that one of these robots can serve, with room for up to `most` jobs."""
        rooms: list[int] = []
        served_by: dict[Placement, tuple[int, ...]] = {}
        texts: dict[Placement, str] = {}
        for profile in slots.profiles():
            fitting = self._fit(profile)
            if fitting and (room := slots.room(profile, most)):
                texts.update(fitting)
                for placement in fitting:
                    served_by[placement] = (*served_by.get(placement, ()), len(rooms))
                rooms.append(room)
        # Lines that the same profiles can serve form a group. `numbers` are the indexes of these profiles in `rooms`.
        groups: dict[tuple[int, ...], list[Line]] = {}
        for placement, numbers in served_by.items():
            groups.setdefault(numbers, []).append(Line(placement, texts[placement]))
        found = [
            ServableLines(tuple(lines), min(most, sum(rooms[n] for n in numbers))) for numbers, lines in groups.items()
        ]
        return found + self._targeted(slots)

    def _targeted(self, slots: Slots) -> list[ServableLines]:
        """The lines that require one of these robots by its id."""
        found: list[ServableLines] = []
        for lines in self._open.values():
            for robot_id in lines.keys() & slots.by_id.keys():
                slot = slots.by_id[robot_id]  # type: ignore[index]  # no robot has the id None
                fitting = tuple(
                    Line(placement, text)
                    for placement, text in lines[robot_id].items()
                    if may_run(slot.profile, slot.robot_id, placement)
                )
                if fitting and slot.free > 0:
                    found.append(ServableLines(fitting, slot.free))
        return found

    def _fit(self, profile: Profile) -> dict[Placement, str]:
        fitting = self._fitting.get(profile)
        if fitting is None:
            anyone = self._open.get(profile.tenant_id, {}).get(None, {})
            fitting = {placement: text for placement, text in anyone.items() if may_run(profile, "", placement)}
            # Profiles that no robot has any more are not removed one by one. Clearing all of them limits the memory.
            if len(self._fitting) >= MAX_PROFILES:
                self._fitting.clear()
            self._fitting[profile] = fitting
        return fitting
