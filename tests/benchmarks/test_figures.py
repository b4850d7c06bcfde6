"""The figures of the benchmarks: medians, targets, the speed of the machine, growth."""

import pytest

from bench.figures import Figures, Target, percentile, table, verdict
from bench.peer import Frames, frame


def figures_of(values: list[float], target: Target | None = None, speed: float | None = None) -> Figures:
    figures = Figures()
    figures.speed = speed
    for value in values:
        figures.add("deliveries", "deliveries/s", value, pinned=True, target=target)
    return figures


def test_figure_is_the_median_of_its_turns() -> None:
    figure = figures_of([300.0, 100.0, 200.0]).get("deliveries", pinned=True)
    assert figure is not None
    assert figure.median == 200.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (499.0, "P2 ≥ 500: MISSED"),
        (500.0, "P2 ≥ 500: met, × 0.62 of the stretch"),
        (800.0, "P2 ≥ 500: met, and the stretch 800"),
    ],
)
def test_verdict_names_whether_a_target_is_met(value: float, said: str) -> None:
    [figure] = figures_of([value], Target("P2", 500, 800)).all()
    assert verdict(figure) == said


def test_verdict_scales_the_figure_of_a_slow_machine() -> None:
    [rate] = figures_of([250.0], Target("P2", 500), speed=0.5).all()
    assert verdict(rate) == "P2 ≥ 500: MISSED; here × 0.50 as fast, at full speed 500: met"
    [age] = figures_of([30.0], Target("P4", 12, at_least=False), speed=0.5).all()
    assert verdict(age) == "P4 ≤ 12: MISSED; here × 0.50 as fast, at full speed 15: MISSED"


def test_verdict_of_memory_is_the_same_on_every_machine() -> None:
    [memory] = figures_of([40.0], Target("P7", 32, at_least=False, scales=False), speed=0.5).all()
    assert verdict(memory) == "P7 ≤ 32: MISSED"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.8, "Q1 stretch ≥ 1: not met, × 0.80 of it"), (1.0, "Q1 stretch ≥ 1: met")],
)
def test_verdict_of_a_stretch_alone_is_never_missed(value: float, said: str) -> None:
    figures = figures_of([value], Target("Q1", None, 1, scales=False), speed=0.5)
    [figure] = figures.all()
    assert verdict(figure) == said
    assert figures.missed() == []


def test_ratio_is_that_of_two_servers_in_one_turn() -> None:
    figures = Figures()
    for ours, other in ((10.0, 20.0), (30.0, 20.0), (20.0, 10.0)):
        figures.add("jobs", "jobs/s", ours, pinned=True)
        figures.add("jobs", "jobs/s", other, server="pg-boss", pinned=True)
        figures.add_ratio("jobs", "pg-boss", pinned=True, target=Target("Q1", 0.7))
        figures.add_ratio("jobs", "absent", pinned=True)
    figure = figures.get("jobs, relative to pg-boss", pinned=True)
    assert figure is not None
    assert figure.runs == [0.5, 1.5, 2.0]
    assert verdict(figure) == "Q1 ≥ 0.7: met"
    assert figures.get("jobs, relative to absent", pinned=True) is None


def test_ratio_of_another_row_of_the_product_has_its_name() -> None:
    figures = Figures()
    figures.add("jobs", "jobs/s", 30.0, server="casare, PostgreSQL", pinned=True)
    figures.add("jobs", "jobs/s", 20.0, server="oban", pinned=True)
    figures.add_ratio("jobs", "oban", server="casare, PostgreSQL", pinned=True)
    figure = figures.get("jobs, casare, PostgreSQL, relative to oban", pinned=True)
    assert figure is not None
    assert figure.runs == [1.5]


def test_table_has_the_other_rows_of_the_product_with_a_target() -> None:
    figures = Figures()
    figures.add("jobs", "jobs/s", 5_000.0, server="casare, one real robot", pinned=True, target=Target("Q4", 4_000))
    line = table(figures.rows({})).splitlines()[-1]
    assert line == "| jobs, casare, one real robot | 1 core | 5,000 jobs/s | Q4 ≥ 4,000: met | – | – | – |"


def test_table_shows_ratios_to_others_of_the_same_measure_and_to_the_last_release() -> None:
    figures = figures_of([300.0])
    figures.add("deliveries", "deliveries/s", 150.0, server="bare", pinned=True, busy=0.5)
    figures.add("deliveries", "deliveries/s", 1.0, server="bare", pinned=False)
    line = table(figures.rows({"deliveries | casare | pinned": 200.0})).splitlines()[-1]
    assert line == "| deliveries | 1 core | 300 deliveries/s | – | bare 150 (× 2.00) | bare 0.50 | × 1.50 |"


def test_exponent_is_computed_from_the_cost_of_one() -> None:
    figures = Figures()
    figures.add("1", "jobs/s", 100.0, pinned=True)
    figures.add("10", "jobs/s", 10.0, pinned=True)
    assert figures.exponent("1", "10", 10, cost=False, pinned=True) == pytest.approx(1.0)
    assert figures.exponent("10", "1", 10, cost=True, pinned=True) == pytest.approx(1.0)
    assert figures.exponent("1", "100", 100, cost=False, pinned=True) is None


def test_percentile_accepts_unsorted_values() -> None:
    assert percentile([float(value) for value in reversed(range(100))], 0.99) == 99.0


def test_frames_are_parsed_wherever_the_bytes_are_split() -> None:
    unmasked = b"".join(bytes((0x81, len(body))) + body for body in (b"one", b"two"))
    for at in range(len(unmasked)):
        frames = Frames()
        assert [*frames.of(unmasked[:at]), *frames.of(unmasked[at:])] == [b"one", b"two"]


def test_frame_of_each_length_keeps_its_payload() -> None:
    for size in (0, 125, 126, 65_535, 65_536):
        assert frame(b"x" * size).endswith(b"\0\0\0\0" + b"x" * size)
