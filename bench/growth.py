"""The growth of a measure with the load, from two figures of it."""

from collections.abc import Iterator

from bench.figures import Figures

GROWTH = (
    ("inbound: mix with logs, 50 robots", "inbound: mix with logs, 1000 robots", 20, False),
    ("fan-out: 100 viewers, 64 at once", "fan-out: 1000 viewers, 64 at once", 10, False),
    ("fan-out: 1000 viewers, 64 at once", "fan-out: 5000 viewers, 64 at once", 5, False),
    ("fan-out: job updates, 100 viewers, 64 at once", "fan-out: job updates, 1000 viewers, 64 at once", 10, False),
    ("jobs: 50 at once, 1 robots", "jobs: 50 at once, 200 robots", 200, False),
    ("submit to job_assign: 1 idle robots, p50", "submit to job_assign: 1000 idle robots, p50", 1000, True),
    (
        "submit to job_assign: 1000 idle robots, 100,000 jobs wait, p50",
        "submit to job_assign: 1000 idle robots, 1,000,000 jobs wait, p50",
        10,
        True,
    ),
    (
        "end to next job_assign: 1000 busy robots, 100,000 jobs wait, p50",
        "end to next job_assign: 1000 busy robots, 1,000,000 jobs wait, p50",
        10,
        True,
    ),
    ("connects, 500", "connects, 5000", 10, False),
    ("memory of a connection, 1000 idle robots", "memory of a connection, 10000 idle robots", 10, True),
    (
        "fleet: 1000 robots, 500 dashboards, share of a core",
        "fleet: 10000 robots, 500 dashboards, share of a core",
        10,
        True,
    ),
    ("queues: 50 at once, 20 robots", "queues: 50 at once, 200 robots", 10, False),
    ("robot process: 5 slots", "robot process: 50 slots", 10, False),
)
"""Two figures of one measure, the factor between their loads, and whether they are costs. Otherwise, they are rates."""


def growth(figures: Figures) -> Iterator[str]:
    """The exponent of each pair of measures: the cost grows as the load raised to this power."""
    for small, large, factor, cost in GROWTH:
        for pinned in (True, False):
            exponent = figures.exponent(small, large, factor, cost=cost, pinned=pinned)
            if exponent is not None:
                cores = "1 core" if pinned else "2 cores"
                yield f"- {large}, {cores}: × {factor} the load, cost of one × load^{exponent:.2f}"
