"""A measure that fails or does not end is reported, and the other measures of the run are kept."""

import asyncio
import gc

import pytest

from bench.__main__ import quick, run_step, whole
from bench.figures import Figures
from bench.fleet import background


async def test_measure_that_fails_is_reported_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()

    async def step() -> None:
        figures.add("jobs", "jobs/s", 5.0, pinned=True)
        raise RuntimeError("the worker has ended")

    assert not await run_step(figures, "queues", step, 10.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("queues: FAILED after 0.")
    assert lines[1] == "    jobs, casare: 5 jobs/s"


async def forever() -> None:
    await asyncio.Event().wait()


async def test_measure_that_does_not_end_is_ended_after_its_limit(caplog: pytest.LogCaptureFixture) -> None:
    assert not await run_step(Figures(), "queues", forever, 0.01)
    assert "queues failed" in caplog.text
    assert "TimeoutError" in caplog.text


async def test_measure_that_ends_is_reported_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()

    async def step() -> None:
        figures.add("jobs", "jobs/s", 5.0, pinned=True)

    assert await run_step(figures, "queues", step, None)
    assert capsys.readouterr().err.splitlines()[1] == "    jobs, casare: 5 jobs/s"


def test_growth_of_queues_and_of_the_robot_is_only_in_a_whole_pinned_run() -> None:
    long = {"queues-growth", "queues-robot"}
    assert long <= {name for name, _ in whole(Figures(), pinned=True)}
    for steps in (whole(Figures(), pinned=False), quick(Figures(), pinned=True)):
        assert not long & {name for name, _ in steps}


async def test_work_of_a_failed_measure_ends_with_it_and_is_not_an_error_of_the_load() -> None:
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    started: list[asyncio.Task[None]] = []

    async def submit() -> None:
        raise ConnectionError("the server has ended")

    async def step() -> None:
        started.extend((background(submit()), background(forever())))
        await asyncio.sleep(0.01)
        raise RuntimeError("the worker has ended")

    assert not await run_step(Figures(), "queues", step, 10.0)
    with pytest.raises(asyncio.CancelledError):
        await started[1]
    started.clear()
    gc.collect()
    assert errors == []
