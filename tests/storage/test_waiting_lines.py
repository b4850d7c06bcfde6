"""The first jobs of several lines: the same as those of one sorted list, with few reads."""

import random

import pytest

from casare_rpa.domain.robots import Placement
from casare_rpa.infrastructure.orchestrator.storage.placements import Line, Placements
from casare_rpa.infrastructure.orchestrator.storage.waiting_lines import Place, WaitingLines


def a_line(number: int) -> Line:
    return Line(Placement("default", f"queue-{number}", None, (), "invoices"), f"line-{number}")


def first_of(stored: dict[Line, list[Place]], most: int) -> tuple[WaitingLines, int]:
    """The lines after all wanted reads, and the number of rounds."""
    lines, rounds = WaitingLines([*stored], most, {}), 0
    while reads := lines.wanted():
        rounds += 1
        for read in reads:
            lines.add(read, [place for place in stored[read.line] if place > read.after][: read.most])
    return lines, rounds


@pytest.mark.parametrize("seed", range(50))
def test_counts_are_those_of_one_sorted_list(seed: int) -> None:
    chance = random.Random(seed)
    stored: dict[Line, list[Place]] = {}
    for number in range(chance.randint(1, 12)):
        jobs = chance.choice([0, 1, 3, 40])
        places = [(chance.randint(0, 50), f"job-{number}-{one}") for one in range(jobs)]
        stored[a_line(number)] = sorted(places)
    most = chance.randint(1, 60)
    lines, _ = first_of(stored, most)
    first = sorted(place for places in stored.values() for place in places)[:most]
    expected = {line: len([p for p in places if p in first]) for line, places in stored.items()}
    assert lines.counts() == {line: number for line, number in expected.items() if number}
    assert set(lines.empty()) == {line for line, places in stored.items() if not places}


def test_one_long_line_among_many_needs_few_rounds() -> None:
    stored: dict[Line, list[Place]] = {a_line(n): [(1_000, f"job-{n}")] for n in range(1, 100)}
    stored[a_line(0)] = [(n, "job") for n in range(500)]
    lines, rounds = first_of(stored, 500)
    assert lines.counts() == {a_line(0): 500}
    assert rounds <= 10


def test_line_that_is_read_from_a_later_place_is_not_empty() -> None:
    line = a_line(0)
    lines = WaitingLines([line], 3, {line: (5, "job-5")})
    (read,) = lines.wanted()
    assert read.after == (5, "job-5")
    lines.add(read, [])
    assert lines.wanted() == []
    assert lines.empty() == []


def test_placement_that_was_added_during_a_read_is_not_removed() -> None:
    placements = Placements()
    kept, emptied = a_line(1).placement, a_line(2).placement
    placements.add([kept, emptied])
    placements.watch()
    placements.add([kept])
    placements.remove_empty([kept, emptied])
    placements.watch()
    placements.remove_empty([])
    assert kept in placements._open["default"][None]
    assert emptied not in placements._open["default"][None]
