"""Row 10: /health/ready does not depend on the shared database, but says that it is away. Nor does a dead bus end it.

An instance that stops is not ready: tests/api/test_health.py. With processes and PostgreSQL, see rows 2, 3 and 7.
"""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.conftest import error_of
from api.test_health import figures
from api.test_store_away import Shared, on_a_store
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.maintenance.readiness import NO_HINTS
from casare_rpa.infrastructure.orchestrator.robots.cut_off import (
    AGREED_SECONDS,
    CUT_OFF_SECONDS,
    NOT_READY,
    CutOffInstance,
)
from fake_clock import FakeClock
from orchestrator.doorbells import Doorbells

pytestmark = pytest.mark.slow


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Shared]:
    async with on_a_store(tmp_path) as shared:
        yield shared


async def test_instance_on_a_shared_store_stays_ready_and_says_why_it_is_degraded(
    opened: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    opened.store.away = True
    answer = await opened.api.client().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "reason": "the store is away", "part": "store"}
    found = await figures(opened.api)
    assert found["casare_degraded",] == 1
    assert not [name for name, *_ in found if name in ("casare_jobs", "casare_jobs_ended_24h")]
    assert [r.levelno for r in caplog.records if r.getMessage() == "degraded: the store is away"] == [logging.WARNING]


async def test_instance_is_no_longer_degraded_when_the_store_is_back(tmp_path: Path) -> None:
    async with on_a_store(tmp_path) as opened:
        assert (await opened.api.client().get("/health/ready")).json() == {"status": "ok"}
        assert (await figures(opened.api))["casare_degraded",] == 0
        assert (await figures(opened.api))["casare_jobs", "pending"] == 0


async def test_store_of_one_instance_is_a_reason_not_to_be_ready(tmp_path: Path) -> None:
    async with on_a_store(tmp_path, shared=False) as opened:
        opened.store.away = True
        assert error_of(await opened.api.client().get("/health/ready"), 503)[1] == "the store is away"
        assert (await figures(opened.api))["casare_degraded",] == 1


async def test_bus_that_is_away_degrades_the_instance(tmp_path: Path) -> None:
    bus = Doorbells().end()
    async with on_a_store(tmp_path, bus=bus) as opened:
        assert (await opened.api.client().get("/health/ready")).json() == {"status": "ok"}
        bus.alive = False
        answer = (await opened.api.client().get("/health/ready")).json()
        assert answer == {"status": "degraded", "reason": NO_HINTS, "part": "bus"}
        assert (await figures(opened.api))["casare_degraded",] == 1


async def test_instance_that_is_cut_off_is_not_ready_until_the_store_answers(opened: Shared) -> None:
    """`CutOffInstance` decides it; here another instance reaches the store in every round."""
    plane = opened.api.plane
    plane.instances.others = ("http://127.0.0.1:1",)
    clock = FakeClock()

    async def reaches(_: str) -> bool:
        return True

    plane.cut_off = CutOffInstance(plane.store, plane.instances, plane.hub, clock, reaches)
    opened.store.away = True
    with pytest.raises(StoreUnavailable):
        await plane.instances.hear()
    assert (await opened.api.client().get("/health/ready")).status_code == 200
    assert plane.instances.unanswered_since is not None
    plane.instances.unanswered_since -= CUT_OFF_SECONDS
    for _ in range(2):
        await plane.cut_off.move_robots()
        clock.advance(AGREED_SECONDS)
    answer = await opened.api.client().get("/health/ready")
    assert error_of(answer, 503)[1] == NOT_READY
    assert answer.json()["payload"]["status"] == "cut_off"
    opened.store.away = False
    await plane.instances.hear()
    assert (await opened.api.client().get("/health/ready")).status_code == 200
