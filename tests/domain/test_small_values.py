"""Instants, log levels, rate limits and the choice of robots."""

import doctest
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from casare_rpa.domain import codec, instants, limits, logs
from casare_rpa.domain.fields import wire_number
from casare_rpa.domain.instants import Instant, from_datetime, rfc3339
from casare_rpa.domain.limits import RateLimit, TokenBucket, TokenBuckets
from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES, Level, LogLine, parse_level, stored_bytes, truncate
from casare_rpa.domain.protocol import Hello
from casare_rpa.domain.robots import Placement, Profile, may_run, process_of, profile_of
from casare_rpa.domain.selection import Head, Slot, Slots, choose
from domain.table import START, at


@pytest.mark.parametrize("module", [instants, limits, logs, codec])
def test_examples_in_docstrings_pass(module) -> None:
    assert doctest.testmod(module).failed == 0


def test_from_datetime_accepts_any_offset_and_naive_means_utc() -> None:
    noon = datetime(2025, 12, 22, 14, 30, tzinfo=UTC)
    assert from_datetime(noon) == from_datetime(noon.replace(tzinfo=None)) == START
    assert from_datetime(noon.astimezone(timezone(timedelta(hours=-5)))) == START
    assert rfc3339(Instant(START + 999)) == "2025-12-22T14:30:00.000Z"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "0001-01-01T00:00:00.000Z"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_from_datetime_returns_only_years_that_rfc3339_can_express(moment: datetime, shown: str) -> None:
    assert rfc3339(from_datetime(moment)) == shown


def test_levels_are_case_insensitive_and_have_aliases() -> None:
    assert [parse_level(text) for text in ("debug", "Warn", "CRITICAL", "fatal", "loud")] == [
        Level.DEBUG,
        Level.WARNING,
        Level.ERROR,
        Level.ERROR,
        None,
    ]
    assert [level.rank for level in Level] == [0, 1, 2, 3]


def test_truncate_keeps_both_ends() -> None:
    assert truncate("short") == ("short", False)
    assert truncate("é" * 20_000) == ("é" * 20_000, False)
    text, cut = truncate("a" + "x" * 100_000 + "z")
    assert cut
    assert text[0] == "a"
    assert text[-1] == "z"
    assert len(text.encode()) <= 64 * 1024
    assert "bytes left out" in text
    truncate("é" * 100_000)[0].encode()


def test_bucket_allows_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(RateLimit(10, 5), 0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.1) == pytest.approx(0.1), "debt is paid exactly on time"
    assert bucket.take(100.0) == 0.0
    assert TokenBucket(None, 0.0).take(0.0) == 0.0


def test_each_key_has_a_bucket_and_those_used_last_are_kept() -> None:
    buckets = TokenBuckets(RateLimit(per_second=2, burst=1), keys=2)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("b", 0.0) == 0.0
    assert buckets.take("a", 0.0, 0.0) == 0.0, "only the time to wait"
    assert buckets.take("a", 0.0) == 0.5
    assert buckets.take("c", 0.0) == 0.0, "b is forgotten"
    assert buckets.take("a", 0.0, 0.0) == 0.5
    assert buckets.take("b", 0.0) == 0.0


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(0.5, 500), st.integers(1, 300), st.lists(st.floats(-1, 2), max_size=60))
def test_bucket_never_allows_more_than_burst_and_rate(rate: float, burst: int, steps: list[float]) -> None:
    bucket = TokenBucket(RateLimit(rate, burst), 0.0)
    clock = latest = 0.0
    passed = 0
    for move in steps:
        clock = max(0.0, clock + move)
        latest = max(latest, clock)
        delay = bucket.take(clock)
        if delay == 0.0:
            passed += 1
            assert passed <= burst + rate * latest + 1e-6


TAGS = ["a", "b"]
PLACEMENTS = st.builds(
    Placement,
    st.sampled_from(["t1", "t2"]),
    st.just("default"),
    st.sampled_from([None, "robot-0", "robot-9"]),
    st.lists(st.sampled_from(TAGS), unique=True, max_size=2).map(tuple),
)
HEADS = st.lists(st.tuples(PLACEMENTS, st.integers(0, 5)), max_size=12).map(
    lambda found: [Head(f"job-{n}", placement, Instant(rank)) for n, (placement, rank) in enumerate(found)]
)
SLOTS = st.lists(
    st.tuples(st.sampled_from(["t1", "t2"]), st.frozensets(st.sampled_from(TAGS)), st.integers(0, 2)), max_size=6
).map(lambda found: [Slot(f"robot-{n}", "s", Profile(t, tags), free, 2) for n, (t, tags, free) in enumerate(found)])


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
@given(HEADS, SLOTS)
def test_choose_assigns_each_job_once_and_leaves_no_fitting_robot_idle(heads: list[Head], slots: list[Slot]) -> None:
    chosen = choose(heads, Slots(slots))
    by_id = {head.job_id: head for head in heads}
    used: dict[str, int] = {}
    for assignment in chosen:
        slot = assignment.slot
        used[slot.robot_id] = used.get(slot.robot_id, 0) + 1
        assert may_run(slot.profile, slot.robot_id, by_id[assignment.job_id].placement)
    assert len({assignment.job_id for assignment in chosen}) == len(chosen)
    assert all(used.get(slot.robot_id, 0) <= slot.free for slot in slots)
    given_out = {assignment.job_id for assignment in chosen}
    for head in heads:
        if head.job_id not in given_out:
            fitting = [s for s in slots if may_run(s.profile, s.robot_id, head.placement)]
            assert all(used.get(s.robot_id, 0) == s.free for s in fitting)
            assert not any(
                by_id[job_id].placement == head.placement and by_id[job_id].rank > head.rank for job_id in given_out
            )


def test_choose_takes_tenants_in_turn_and_spares_specialists() -> None:
    heads = [Head(f"a{n}", Placement("a", "default", None, (), "w"), at(n)) for n in range(3)]
    heads.append(Head("b0", Placement("b", "default", None, (), "w"), at(99)))
    profiles = {"plain": frozenset[str](), "special": frozenset({"sap"})}
    slots = [Slot(f"{t}-{n}", "s", Profile(t, p), 1, 1) for t in ("a", "b") for n, p in profiles.items()]
    chosen = choose(heads, Slots(slots))
    assert [(c.job_id, c.slot.robot_id) for c in chosen] == [("a0", "a-plain"), ("b0", "b-plain"), ("a1", "a-special")]


def test_choose_prefers_the_robot_that_was_idle_longest() -> None:
    heads = [Head("j", Placement("t", "default", None, (), "w"), START)]
    slots = [Slot(f"r{n}", "s", Profile("t", frozenset()), 1, 1, idle_since=-n) for n in range(3)]
    assert choose(heads, Slots(slots))[0].slot.robot_id == "r2"


def test_slots_are_kept_in_the_order_of_use() -> None:
    plain, special = Profile("t", frozenset()), Profile("t", frozenset({"sap"}))
    slots = Slots(Slot(f"r{n}", "s", plain, 1, 1, idle_since=n) for n in (2, 0, 1))
    assert [slot.robot_id for slot in slots.in_order(plain)] == ["r0", "r1", "r2"]
    same = slots.copy()
    slots.set_slot(Slot("r0", "s", plain, 1, 1, idle_since=9))  # was busy in between
    slots.set_slot(Slot("r1", "s", special, 1, 1, idle_since=1))
    slots.set_slot(Slot("r2", "new", plain, 2, 2, idle_since=2))
    assert [(slot.robot_id, slot.session_id) for slot in slots.in_order(plain)] == [("r2", "new"), ("r0", "s")]
    assert [slot.robot_id for slot in slots.in_order(special)] == ["r1"]
    assert [slot.robot_id for slot in same.in_order(plain)] == ["r0", "r1", "r2"], "a copy does not change"
    assert set(slots.profiles()) == {plain, special}
    assert (slots.room(plain, 9), slots.room(plain, 2), slots.room(special, 9)) == (3, 2, 1)
    for robot_id in ("r0", "r1", "r2", "unknown"):
        slots.remove(robot_id)
    assert (len(slots), [*slots.profiles()]) == (0, [])


def test_choose_gives_jobs_of_several_placements_to_different_robots() -> None:
    """A robot with two slots, one job in them and idle robots beside it gets no second job."""
    placements = [Placement("t", f"queue-{n}", None, (), "w") for n in range(4)]
    heads = [Head(f"j{n}", placement, at(n)) for n, placement in enumerate(placements)]
    slots = Slots(Slot(f"r{n}", "s", Profile("t", frozenset()), 2, 2, idle_since=n) for n in range(3))
    assert [one.slot.robot_id for one in choose(heads, slots)] == ["r0", "r1", "r2", "r0"]


def test_choose_counts_a_job_with_a_target_robot_among_those_of_its_slot() -> None:
    target, anyone = Placement("t", "default", "r0", (), "w"), Placement("t", "default", None, (), "w")
    heads = [Head(f"j{n}", placement, at(n)) for n, placement in enumerate((target, anyone, target, anyone))]
    slots = Slots(Slot(f"r{n}", "s", Profile("t", frozenset()), 1, 1, idle_since=n) for n in range(2))
    assert [(one.job_id, one.slot.robot_id) for one in choose(heads, slots)] == [("j0", "r0"), ("j1", "r1")]


def test_choose_reads_each_slot_once_however_many_placements_wait() -> None:
    class CountedSlots(Slots):
        read = 0

        def in_order(self, profile: Profile) -> Iterator[Slot]:
            for slot in super().in_order(profile):
                self.read += 1
                yield slot

    heads = [Head(f"j{n:03d}", Placement("t", f"queue-{n}", None, (), "w"), START) for n in range(100)]
    slots = CountedSlots(Slot(f"r{n:03d}", "s", Profile("t", frozenset()), 1, 1) for n in range(1_000))
    assert len(choose(heads, slots)) == 100
    assert slots.read == 101


def test_profiles_with_the_same_tags_are_one_object() -> None:
    assert profile_of("a", ("sap", "x")) == Profile("a", frozenset({"x", "sap"}))
    assert profile_of("a", ("sap",)) is profile_of("a", ("sap",))


def test_process_of_a_robot_is_its_journal_or_else_its_instance() -> None:
    assert process_of(None) is None
    assert process_of(Hello(instance_id="i1")) == process_of(Hello(instance_id="i1", log_journal=None)) == "instance:i1"
    assert process_of(Hello(instance_id="i1", log_journal="j")) == process_of(Hello(instance_id="i2", log_journal="j"))


def test_stored_size_of_a_line_is_its_bytes_and_a_constant() -> None:
    line = LogLine("default", "r", Level.INFO, "", Instant(0), Instant(0))
    assert stored_bytes(line) == LINE_OVERHEAD_BYTES
    assert stored_bytes(replace(line, message="abc")) == LINE_OVERHEAD_BYTES + 3
    assert stored_bytes(replace(line, message="€")) == LINE_OVERHEAD_BYTES + 3


def test_number_on_the_wire_has_a_fraction_only_if_it_is_not_whole() -> None:
    assert [repr(wire_number(value)) for value in (75.0, 75, 0.0, 45.2, float("inf"))] == [
        "75",
        "75",
        "0",
        "45.2",
        "inf",
    ]
