"""The first jobs of several lines that compete for the same slots, found with few reads. No SQL."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from casare_rpa.infrastructure.orchestrator.storage.placements import Line

Place = tuple[int, str]
"""The place of a job in its line: rank and job id."""
BEFORE_ALL: Place = (-(2**63), "")
AFTER_ALL: Place = (2**63, "")


class LineRead(NamedTuple):
    """A read of up to `most` jobs of a line, after a place."""

    line: Line
    after: Place
    most: int


class WaitingLines:
    """How many jobs of each line are among the first `most` jobs of all lines.

    Further jobs of a line are read only if all of its known jobs are among the first. Each such read is twice as long.
    """

    def __init__(self, lines: Sequence[Line], most: int, begins: Mapping[Line, Place]) -> None:
        """`begins`: the place after which a line is read, unless it is read from its first job."""
        self._most = most
        self._places: dict[Line, list[Place]] = {line: [] for line in lines}
        self._begins = begins
        self._ended: set[Line] = set()
        self._at_once = -(-most // max(1, len(lines)))

    def wanted(self) -> list[LineRead]:
        """The next reads. Empty when the first jobs are known."""
        last = self._last()
        reads: list[LineRead] = []
        for line, places in self._places.items():
            begin = places[-1] if places else self._begins.get(line, BEFORE_ALL)
            if line not in self._ended and begin < last:
                reads.append(LineRead(line, begin, max(self._at_once, len(places))))
        return reads

    def add(self, read: LineRead, places: Sequence[Place]) -> None:
        """The jobs that a read found, in their order."""
        self._places[read.line].extend(places)
        if len(places) < read.most:
            self._ended.add(read.line)

    def empty(self) -> list[Line]:
        """The lines that were read from their first job and have none."""
        return [line for line in self._ended if not self._places[line] and line not in self._begins]

    def counts(self) -> dict[Line, int]:
        """How many jobs of each line are among the first, without lines that have none there."""
        last = self._last()
        numbers = {line: bisect_right(places, last) for line, places in self._places.items()}
        return {line: number for line, number in numbers.items() if number}

    def _last(self) -> Place:
        """The place of the last known job among the first `most`; a place after all while fewer are known."""
        known = sorted(place for places in self._places.values() for place in places)
        return known[self._most - 1] if len(known) >= self._most else AFTER_ALL
