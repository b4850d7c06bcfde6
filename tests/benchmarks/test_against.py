"""The comparison of two versions: ratio of the medians, spread of the base, and the verdict."""

from pathlib import Path

import pytest

from bench import writer
from bench.against import Comparison, compared, order_of_turn
from bench.figures import Figures
from bench.plan import Plan
from bench.product import PRESENT, Product


def test_ratio_is_that_of_the_medians() -> None:
    comparison = Comparison("jobs", "jobs/s", base=[100.0, 110.0, 90.0], present=[120.0, 60.0, 121.0])
    assert comparison.ratio == pytest.approx(1.2)


def test_ratio_of_a_time_is_inverted() -> None:
    assert Comparison("age", "ms", base=[10.0], present=[20.0]).ratio == 0.5


def test_spread_is_half_of_the_range_of_the_base() -> None:
    comparison = Comparison("jobs", "jobs/s", base=[100.0, 130.0, 90.0], present=[1.0, 1_000.0])
    assert comparison.spread == pytest.approx(0.2)
    assert Comparison("jobs", "jobs/s", base=[100.0], present=[1.0]).spread == 0


@pytest.mark.parametrize(
    ("base", "present", "within"),
    [
        ([100.0], 95.5, True),
        ([100.0], 94.5, False),
        ([90.0, 100.0, 110.0], 85.5, True),
        ([90.0, 100.0, 110.0], 84.5, False),
        ([100.0], 200.0, True),
    ],
)
def test_within_is_a_ratio_of_95_percent_less_the_spread(base: list[float], present: float, within: bool) -> None:
    assert Comparison("jobs", "jobs/s", base, [present]).within is within


@pytest.mark.parametrize(
    ("base", "present", "within", "verdict"),
    [
        ([30.0], 34.9, True, "+4.9 µs"),
        ([30.0], 35.1, False, "WORSE, +5.1 µs"),
        ([28.0, 30.0, 32.0], 36.9, True, "+6.9 µs"),
        ([28.0, 30.0, 32.0], 37.1, False, "WORSE, +7.1 µs"),
        ([30.0], 25.0, True, "-5.0 µs"),
    ],
)
def test_change_may_cost_5_microseconds_more_in_the_writer(
    base: list[float], present: float, within: bool, verdict: str
) -> None:
    comparison = Comparison("a change", "µs", base, [present])
    assert comparison.within is within
    assert comparison.line().endswith(f"  {verdict}")


@pytest.mark.slow
async def test_writer_is_measured_for_each_kind_of_change() -> None:
    figures = Figures()
    await writer.measure(figures, pinned=False, plan=Plan(turns=1, seconds=0.2, late_seconds=0.0))
    kinds = {figure.name.rpartition(" ")[2]: figure.median for figure in figures.all()}
    assert list(kinds) == ["submitted", "offered", "claimed", "running", "completed"]
    assert min(kinds.values()) > 0


def test_line_has_medians_ratio_spread_and_verdict() -> None:
    line = Comparison("jobs: 50 at once", "jobs/s", base=[900.0, 1_000.0, 1_100.0], present=[800.0]).line()
    assert line.split() == ["jobs:", "50", "at", "once", "1,000", "800", "jobs/s", "0.800", "0.100", "WORSE"]


def test_measures_of_only_one_version_are_left_out() -> None:
    base, present = Figures(), Figures()
    for figures, name, value in ((base, "a", 1.0), (base, "a", 3.0), (present, "a", 4.0), (base, "b", 1.0)):
        figures.add(name, "jobs/s", value, pinned=True)
    present.add("c", "jobs/s", 1.0, pinned=True)
    assert list(compared(base, present)) == [Comparison("a", "jobs/s", [1.0, 3.0], [4.0])]


def test_versions_take_turns_at_being_first(tmp_path: Path) -> None:
    base = Product(tmp_path, tmp_path / "python")
    assert order_of_turn(0, base, PRESENT) == (base, PRESENT)
    assert order_of_turn(1, base, PRESENT) == (PRESENT, base)
