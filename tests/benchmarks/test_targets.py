"""The targets Q1 to Q10: each has a figure, and the table says whether it is met."""

from bench import growth, targets
from bench.figures import Figures, Target


def lines_of(figures: Figures) -> dict[str, list[str]]:
    """The rows of the table by name of target."""
    rows: dict[str, list[str]] = {}
    for line in targets.summary(figures, pinned=True).splitlines()[2:]:
        rows.setdefault(line.split(" | ")[0].removeprefix("| "), []).append(line)
    return rows


def test_summary_has_a_row_for_each_target_also_without_a_figure() -> None:
    figures = Figures()
    figures.add("queues", "jobs/s", 9_000.0, pinned=True, target=targets.Q1)
    figures.add("queues", "jobs/s", 9_000.0, server="pg-boss", pinned=True)
    figures.add_ratio("queues", "pg-boss", pinned=True, target=targets.Q1_TO["pg-boss"])
    figures.add("age", "ms", 0.9, pinned=True, target=targets.Q7)
    figures.add("age", "ms", 0.1, pinned=False, target=targets.Q7)
    rows = lines_of(figures)
    assert tuple(rows) == targets.NAMES
    assert rows["Q1"] == [
        "| Q1 | queues | 9,000 jobs/s | ≥ 8,000 | yes | ≥ 12 k | NO |",
        "| Q1 | queues, relative to pg-boss | 1 × pg-boss | ≥ 0.7 | yes | ≥ 1 | yes |",
    ]
    assert rows["Q7"] == ["| Q7 | age | 0.9 ms | ≤ 0.7 | NO | ≤ 0.5 | NO |"]
    assert rows["Q10"] == ["| Q10 | not measured in this run | – | – | – | – | – |"]


def test_summary_has_a_stretch_alone_and_the_other_rows_of_the_product() -> None:
    figures = Figures()
    figures.add("jobs", "jobs/s", 5_000.0, server="casare, one real robot", pinned=True, target=targets.Q4)
    figures.add("ratio", "× BullMQ", 0.8, pinned=True, target=targets.Q1_TO["BullMQ"])
    rows = lines_of(figures)
    assert rows["Q1"] == ["| Q1 | ratio | 0.8 × BullMQ | – | – | ≥ 1 | NO |"]
    assert rows["Q4"] == ["| Q4 | jobs, casare, one real robot | 5,000 jobs/s | ≥ 4,000 | yes | ≥ 6,000 | NO |"]


def test_summary_of_a_run_without_targets_is_empty() -> None:
    figures = Figures()
    figures.add("jobs", "jobs/s", 1.0, pinned=True, target=Target("P5", 1))
    figures.add("age", "ms", 0.1, pinned=False, target=targets.Q7)
    assert targets.summary(figures, pinned=True) == ""


def test_growth_has_the_exponent_of_each_measured_pair() -> None:
    figures = Figures()
    figures.add("robot process: 5 slots", "jobs/s", 4_000.0, pinned=True)
    figures.add("robot process: 50 slots", "jobs/s", 400.0, pinned=True)
    assert list(growth.growth(figures)) == ["- robot process: 50 slots, 1 core: × 10 the load, cost of one × load^1.00"]
