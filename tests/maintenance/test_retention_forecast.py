"""The forecast of retention names the rows that the next rounds delete."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.maintenance.retention import DAY_SECONDS, Retention
from casare_rpa.infrastructure.orchestrator.maintenance.retention_forecast import log_bytes, retained_rows
from casare_rpa.infrastructure.orchestrator.settings import MIB, Settings
from maintenance.test_retention import ended, line, swept
from orchestrator.slices import Instance, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


async def freed(plane: Instance, settings: Settings) -> dict[RetainedKind, int]:
    rows = await retained_rows(plane.store, settings, plane.clock.now())
    return {one.kind: one.freed for one in rows}


@pytest.mark.parametrize(
    ("limits", "jobs"),
    [({}, 3), ({"retention_jobs": 4}, 3), ({"retention_jobs": 1}, 4), ({"retention_jobs_days": 90}, 0)],
    ids=["age", "number below age", "number above age", "nothing"],
)
async def test_forecast_is_what_a_round_deletes(plane: Instance, limits: dict[str, int], jobs: int) -> None:
    for _ in range(3):
        await ended(plane)
    await plane.job()
    plane.clock.advance(31 * DAY_SECONDS)
    for _ in range(2):
        await ended(plane)
    settings = Settings(**limits)  # type: ignore[arg-type]
    forecast = await freed(plane, settings)
    assert forecast[RetainedKind.JOBS] == jobs
    sweeper = Retention(plane.store, plane.clock, settings)
    await swept(plane, sweeper)
    assert sweeper.deleted == forecast
    assert set((await freed(plane, settings)).values()) == {0}


async def test_log_lines_over_the_bytes_of_one_robot_or_of_all_are_surplus(plane: Instance) -> None:
    for _ in range(48):
        await line(plane, "x" * 32_768)
    stored = 48 * (32_768 + LINE_OVERHEAD_BYTES)
    assert (await log_bytes(plane.store, Settings())).surplus == 0
    for limits in ({"retention_robot_log_bytes": MIB}, {"retention_log_bytes": MIB}):
        found = await log_bytes(plane.store, Settings(**limits))  # type: ignore[arg-type]
        assert (found.stored, found.surplus) == (stored, stored - MIB)
