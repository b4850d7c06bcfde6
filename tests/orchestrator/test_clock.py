"""The system clock: it never goes back, and stays close to the wall clock."""

import logging
import time
from pathlib import Path

import pytest

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, after, seconds_between
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.clock import SystemClock
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.backends import open_store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from storage.values import a_job, a_report, a_slot, tell

HOUR = 3600.0
WALL = 1_766_413_800.0


class Machine:
    """A wall clock that can be set, and monotonic seconds since its start."""

    def __init__(self) -> None:
        self.offset = WALL
        self.steady = 0.0

    def clock(self, newest_ahead: float | None = None) -> SystemClock:
        newest = None if newest_ahead is None else instant(self.wall() + newest_ahead)
        return SystemClock(self.wall, lambda: self.steady, newest)

    def wall(self) -> float:
        return self.offset + self.steady

    def pass_time(self, clock: SystemClock, seconds: float, step: float = 1.0) -> None:
        """Let time pass with regular checks for jumps, as the rescuer makes them."""
        for _ in range(round(seconds / step)):
            self.steady += step
            clock.jump_seconds()

    def ahead(self, clock: SystemClock) -> float:
        return seconds_between(instant(self.wall()), clock.now())


def instant(seconds: float) -> Instant:
    return Instant(round(seconds * MICROSECONDS_PER_SECOND))


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("newest_ahead", [None, -5 * HOUR, 0.0])
def test_clock_shows_the_wall_clock(machine: Machine, newest_ahead: float | None) -> None:
    clock = machine.clock(newest_ahead)
    machine.pass_time(clock, 100)
    assert machine.ahead(clock) == pytest.approx(0, abs=1e-5)


def test_clock_follows_the_wall_clock_forward(machine: Machine) -> None:
    clock = machine.clock()
    machine.offset += HOUR
    assert clock.jump_seconds() == pytest.approx(HOUR)
    assert clock.jump_seconds() == pytest.approx(0, abs=1e-5)
    assert machine.ahead(clock) == pytest.approx(0, abs=1e-5)


def test_clock_never_goes_back_and_slows_until_the_wall_clock_catches_up(machine: Machine) -> None:
    clock = machine.clock()
    before = clock.now()
    machine.offset -= HOUR
    for _ in range(11):
        machine.pass_time(clock, HOUR, step=60)
        assert clock.now() > before
        before = clock.now()
    assert machine.ahead(clock) == pytest.approx(0, abs=1.0)


def test_clock_that_is_not_checked_is_slower_only_until_the_wall_clock_has_caught_up(machine: Machine) -> None:
    """`jump_seconds` is not called while the store is away."""
    clock = machine.clock()
    machine.offset -= 60
    clock.jump_seconds()
    machine.steady += 300
    assert machine.ahead(clock) == pytest.approx(30, abs=1e-5)
    machine.steady += 299
    assert machine.ahead(clock) == pytest.approx(0.1, abs=1e-5)
    for _ in range(3):
        machine.steady += 1_000
        assert machine.ahead(clock) == pytest.approx(0, abs=1e-5)
    assert clock.jump_seconds() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("ahead", [120.0, HOUR, 23 * HOUR])
def test_clock_set_back_over_a_restart_continues_at_the_newest_instant(
    machine: Machine, ahead: float, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        clock = machine.clock(ahead)
    assert clock.now() == instant(WALL + ahead)
    assert f"{ahead:.0f} s earlier: it was set back" in caplog.text
    assert clock.jump_seconds() == pytest.approx(0, abs=1e-5)
    machine.steady += 100
    assert clock.now() == instant(WALL + ahead + 90)
    machine.pass_time(clock, ahead * 10, step=60)
    assert machine.ahead(clock) == pytest.approx(0, abs=1.0)


def test_newest_instant_far_in_the_future_is_not_trusted(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        clock = machine.clock(25 * HOUR)
    assert clock.now() == instant(WALL)
    for part in ("2025-12-23T15:30:00.000Z", "2025-12-22T14:30:00.000Z", "1.0 days", "cancel the jobs"):
        assert part in caplog.text


async def test_lease_ends_in_time_after_the_clock_was_set_back_over_a_restart(tmp_path: Path) -> None:
    """The wall clock is an hour behind the last process, and the robot does not reconnect."""
    settings = Settings(data_dir=tmp_path)
    store = await open_store(settings.store_url, Failpoints())
    now = instant(time.time() + HOUR)
    job = a_job(submitted_at=now)
    await store.add_jobs([JobToAdd(job)])
    await store.claim(Slots([a_slot()]), now)
    await tell(store, job.job_id, a_report("running"), seconds_between(instant(WALL), now))
    await store.close()
    async with ControlPlane.open(settings) as plane:
        assert 0 <= seconds_between(now, plane.clock.now()) < 60
        stored = await plane.store.job(job.job_id)
        assert stored is not None
        assert stored.lease_expires_at is not None
        assert stored.lease_expires_at <= after(plane.clock.now(), 90)
