"""The first jobs of several lines: the same as those of one sorted list, with few reads."""

import random
from functools import lru_cache

import pytest

from casare_rpa.domain.robots import Placement, Profile, may_run
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.infrastructure.orchestrator.storage.placements import MAX_PROFILES, Line, Placements, ServableLines
from casare_rpa.infrastructure.orchestrator.storage.rows import placement_text
from casare_rpa.infrastructure.orchestrator.storage.waiting_lines import Place, WaitingLines


@lru_cache
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


# Lines that robots can serve

TAGS = ("a", "b", "c")
TENANTS = ("t1", "t2")


def a_placement(chance: random.Random) -> Placement:
    target = chance.choice([None, None, None, "robot-0", "robot-1"])
    tags = tuple(sorted(chance.sample(TAGS, chance.randint(0, 2))))
    return Placement(chance.choice(TENANTS), f"queue-{chance.randint(0, 2)}", target, tags, f"w{chance.randint(0, 2)}")


def a_profile(chance: random.Random) -> Profile:
    workflows = chance.choice([None, frozenset({"w0"}), frozenset({"w1", "w2"})])
    return Profile(chance.choice(TENANTS), frozenset(chance.sample(TAGS, chance.randint(0, 3))), workflows)


def expected(opened: set[Placement], slots: Slots, most: int) -> set[tuple[frozenset[Placement], int]]:
    """The groups of lines with their room, by comparing every line with every robot."""
    groups: dict[frozenset[Profile], set[Placement]] = {}
    found: set[tuple[frozenset[Placement], int]] = set()
    for placement in opened:
        if placement.robot_id is None:
            fitting = [p for p in slots.profiles() if may_run(p, "", placement) and slots.room(p, 1)]
            groups.setdefault(frozenset(fitting), set()).add(placement)
    for robot in slots.by_id.values():
        mine = [one for one in opened if one.robot_id == robot.robot_id and may_run(robot.profile, robot.robot_id, one)]
        for tenant_id in {one.tenant_id for one in mine} if robot.free else ():
            found.add((frozenset(one for one in mine if one.tenant_id == tenant_id), robot.free))
    for profiles, placements in groups.items():
        if profiles:
            room = sum(robot.free for robot in slots.by_id.values() if robot.profile in profiles)
            found.add((frozenset(placements), min(most, room)))
    return found


def shown(groups: list[ServableLines]) -> set[tuple[frozenset[Placement], int]]:
    assert all(line.text == placement_text(line.placement) for group in groups for line in group.lines)
    assert all(len({*group.lines}) == len(group.lines) for group in groups)
    return {(frozenset(line.placement for line in group.lines), group.room) for group in groups}


@pytest.mark.parametrize("seed", range(50))
def test_servable_lines_are_those_of_a_comparison_of_every_line_with_every_robot(seed: int) -> None:
    chance = random.Random(seed)
    placements, opened = Placements(), set[Placement]()
    for _ in range(20):
        added, removed = [a_placement(chance) for _ in range(4)], a_placement(chance)
        placements.add(added[:2])
        placements.add_texts(map(placement_text, added))
        placements.remove(removed)
        opened = opened.union(added) - {removed}
        slots = Slots(
            Slot(f"robot-{n}", "s", a_profile(chance), chance.randint(0, 2), 2) for n in range(chance.randint(0, 8))
        )
        most = chance.randint(1, 5)
        assert shown(placements.servable(slots, most)) == expected(opened, slots, most)


@pytest.mark.parametrize("robots", [MAX_PROFILES - 1, MAX_PROFILES + 1])
def test_profiles_are_forgotten_when_there_are_too_many(robots: int) -> None:
    placements, opened = Placements(), {Placement("t1", "default", None, (f"tag-{n}",), "w0") for n in range(3)}
    placements.add(opened)
    for first in (0, 2):
        profiles = [Profile("t1", frozenset({f"tag-{n}", f"other-{n}"})) for n in range(first, first + robots)]
        slots = Slots(Slot(f"robot-{n}", "s", profile, 1, 1) for n, profile in enumerate(profiles))
        assert shown(placements.servable(slots, 500)) == expected(opened, slots, 500)
        assert len(placements._fitting) == len(placements._bits) == robots
    placements.clear()
    assert placements.servable(slots, 500) == []
