"""The clock that follows the store's: instances show the same time, and a jump of a machine's clock has no effect."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, seconds_between
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.clock import FOLLOW_SECONDS, StoreClock, SystemClock
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.rescuer import JUMP_SECONDS, Rescuer
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from fake_clock import FakeClock
from new_database import new_database
from storage.values import START, at, running

HOUR = 3600.0
TRIPS = st.tuples(st.floats(0, 0.1), st.floats(0, 0.1))


def instant(seconds: float) -> Instant:
    return Instant(round(seconds * MICROSECONDS_PER_SECOND))


class World:
    """The time, and a store with a clock. Implements `TimedStore`."""

    def __init__(self) -> None:
        self.time = 0.0
        self.store_ahead = 0.0
        self.newest: Instant | None = None
        self.trip = (0.0, 0.0)
        """The seconds that a question to the store and its answer take."""
        self.slow_trips: list[tuple[float, float]] = []
        """The same for the first questions."""

    def store_seconds(self) -> float:
        return START / MICROSECONDS_PER_SECOND + self.store_ahead + self.time

    async def now(self) -> Instant | None:
        there, back = self.slow_trips.pop(0) if self.slow_trips else self.trip
        self.time += there
        shown = instant(self.store_seconds())
        self.time += back
        return shown

    async def newest_instant(self) -> Instant | None:
        return self.newest


class Instance:
    """A machine with its wall clock and its monotonic clock, and the clock of its process."""

    clock: StoreClock

    def __init__(self, world: World, wall_ahead: float = 0.0, uptime: float = 0.0, rate: float = 1.0) -> None:
        self.world = world
        self.wall_ahead = wall_ahead
        self._uptime = uptime
        self._rate = rate

    async def start(self) -> "Instance":
        self.clock = await StoreClock.of(self.world, self.wall, self.steady)
        return self

    def wall(self) -> float:
        return START / MICROSECONDS_PER_SECOND + self.wall_ahead + self.world.time

    def steady(self) -> float:
        return self._uptime + self._rate * self.world.time

    async def follow(self) -> None:
        """What the loop of the control plane does."""
        asked_at = self.steady()
        now = await self.world.now()
        if now is not None:
            self.clock.follow(now, self.steady() - asked_at)

    def ahead(self) -> float:
        """Seconds by which it shows more than the store's clock."""
        return seconds_between(instant(self.world.store_seconds()), self.clock.now())


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("slow", "ahead"), [(1, 0.0), (4, 0.0), (5, 2.0)])
async def test_new_process_asks_again_while_the_store_is_slow(world: World, slow: int, ahead: float) -> None:
    world.slow_trips = [(60.0, 0.0), (0.0, 4.0), *[(50.0, 0.0)] * 4][:slow]
    one = await Instance(world, HOUR).start()
    assert abs(one.ahead()) == pytest.approx(ahead, abs=0.001)


async def pass_time(world: World, instances: list[Instance], rounds: int, trips: list[tuple[float, float]]) -> None:
    """Rounds of a second, with the checks of the rescuer, and every five seconds the time of the store."""
    for number in range(rounds):
        world.time += 1
        for place, one in enumerate(instances):
            if number % FOLLOW_SECONDS == 0:
                world.trip = trips[(number + place) % len(trips)]
                await one.follow()
            one.clock.jump_seconds()


@given(trips=st.lists(TRIPS, min_size=1, max_size=9))
async def test_instances_on_machines_with_other_clocks_agree_within_the_round_trip(
    trips: list[tuple[float, float]],
) -> None:
    world = World()
    machines = ((-HOUR, 0.0, 1.0), (HOUR, 5_000.0, 1.0001), (7.0, 80.0, 0.9999))
    instances = []
    for ahead, uptime, rate in machines:
        world.trip = trips[0]
        instances.append(await Instance(world, ahead, uptime, rate).start())
    await pass_time(world, instances, 60, trips)
    longest = max(sum(trip) for trip in trips)
    shown = [one.clock.now() for one in instances]
    assert seconds_between(min(shown), max(shown)) <= longest + 0.002
    assert max(abs(one.ahead()) for one in instances) <= longest / 2 + 0.002


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["time", "store", "machine", "follow", "jump"]),
            st.floats(-HOUR, HOUR),
            st.floats(0, 2),
        ),
        max_size=40,
    )
)
async def test_clock_never_goes_back(steps: list[tuple[str, float, float]]) -> None:
    world = World()
    one = await Instance(world, HOUR).start()
    before = one.clock.now()
    for name, jump, trip in steps:
        match name:
            case "time":
                world.time += abs(jump)
            case "store":
                world.store_ahead += jump
            case "machine":
                one.wall_ahead += jump
            case "follow":
                world.trip = (trip, 0.0)
                await one.follow()
            case "jump":
                one.clock.jump_seconds()
        assert one.clock.now() >= before
        before = one.clock.now()


@pytest.mark.parametrize("jump", [-HOUR, 10.0, HOUR])
async def test_jump_of_the_machines_clock_has_no_effect(world: World, jump: float) -> None:
    one = await Instance(world).start()
    one.wall_ahead += jump
    assert one.clock.jump_seconds() == pytest.approx(0, abs=1e-5)
    await pass_time(world, [one], 20, [(0.0, 0.0)])
    assert one.clock.jump_seconds() == pytest.approx(0, abs=1e-5)
    assert one.ahead() == pytest.approx(0, abs=1e-5)


async def test_jump_of_the_stores_clock_is_reported_and_followed(world: World) -> None:
    one = await Instance(world).start()
    world.store_ahead += HOUR
    await one.follow()
    assert one.ahead() == pytest.approx(-HOUR, abs=1e-5), "the rescuer must know first, or leases end"
    assert one.clock.jump_seconds() == pytest.approx(HOUR)
    assert one.ahead() == pytest.approx(0, abs=1e-5)
    assert one.clock.jump_seconds() == pytest.approx(0, abs=1e-5)


async def test_clock_runs_slower_after_the_stores_clock_was_set_back(world: World) -> None:
    one = await Instance(world).start()
    world.store_ahead -= 60
    await one.follow()
    assert one.clock.jump_seconds() == pytest.approx(-60)
    assert one.ahead() == pytest.approx(60, abs=1e-5)
    await pass_time(world, [one], 100, [(0.0, 0.0)])
    assert one.ahead() == pytest.approx(50, abs=0.1)
    await pass_time(world, [one], 600, [(0.0, 0.0)])
    assert one.ahead() == pytest.approx(0, abs=0.01)


async def test_error_of_an_answer_with_another_delay_is_removed_within_seconds(world: World) -> None:
    one = await Instance(world).start()
    world.trip = (0.0, 0.8)
    await one.follow()
    one.clock.jump_seconds()
    assert one.ahead() == pytest.approx(-0.0, abs=0.41)
    world.trip = (0.8, 0.0)
    await one.follow()
    one.clock.jump_seconds()
    assert one.ahead() == pytest.approx(0.4, abs=1e-5)
    await pass_time(world, [one], 25, [(0.0, 0.0)])
    assert one.ahead() == pytest.approx(0, abs=0.01)


async def test_answer_that_took_long_is_not_used(world: World) -> None:
    one = await Instance(world).start()
    world.trip = (1.1, 0.0)
    await one.follow()
    assert one.clock.jump_seconds() == pytest.approx(0, abs=1e-5)
    assert one.ahead() == pytest.approx(0, abs=1e-5)


async def test_first_answer_is_used_although_it_took_long(world: World) -> None:
    world.trip = (1.1, 1.1)
    one = await Instance(world, HOUR).start()
    assert one.ahead() == pytest.approx(0, abs=1e-5)


async def test_new_process_continues_at_the_newest_instant_of_the_store(world: World) -> None:
    world.newest = at(100)
    one = await Instance(world, -HOUR).start()
    assert one.clock.now() == at(100)
    assert one.clock.jump_seconds() == pytest.approx(0, abs=1e-5)


class Untimed(World):
    """A store without a clock."""

    async def now(self) -> Instant | None:
        return None


@given(
    newest=st.none() | st.floats(-HOUR, 30 * HOUR),
    steps=st.lists(st.tuples(st.floats(0, HOUR), st.just(0.0) | st.floats(-HOUR, HOUR)), max_size=20),
)
async def test_store_without_a_clock_leaves_the_machines(
    newest: float | None, steps: list[tuple[float, float]]
) -> None:
    world = Untimed()
    world.newest = None if newest is None else at(newest)
    one = await Instance(world).start()
    expected = SystemClock(one.wall, one.steady, world.newest)
    for seconds, jump in steps:
        world.time += seconds
        one.wall_ahead += jump
        await one.follow()
        assert one.clock.now() == expected.now()
        assert one.clock.jump_seconds() == expected.jump_seconds()


# In the control plane


class TimedSqliteStore(SqliteStore):
    """A store with a clock."""

    async def now(self) -> Instant | None:
        return at(7)


@pytest.mark.parametrize(("kind", "followed"), [(SqliteStore, []), (TimedSqliteStore, [(at(7), 0.0)])])
async def test_control_plane_follows_the_clock_of_the_store(
    tmp_path: Path, kind: type[SqliteStore], followed: list[tuple[Instant, float]]
) -> None:
    store = await kind.open(new_database(tmp_path))
    clock = FakeClock()
    try:
        async with ControlPlane.started(Settings(data_dir=tmp_path), store, clock) as plane:
            assert ("clock" in plane.loops.statistics) is bool(followed)
            await plane._follow_clock()
            assert clock.followed == followed
    finally:
        await store.close()


async def test_jump_of_the_stores_clock_ends_no_lease(tmp_path: Path, world: World) -> None:
    store = await SqliteStore.open(new_database(tmp_path))
    one = await Instance(world).start()
    job = await running(store)
    events = EventBus()
    rescuer = Rescuer(store, events, Fleet(), one.clock, Instances(store, events, one.clock, "here"))
    await rescuer.rescue()
    world.store_ahead += HOUR + JUMP_SECONDS
    await one.follow()
    await rescuer.rescue()
    assert one.ahead() == pytest.approx(0, abs=1e-5)
    stored = await store.job(job.job_id)
    assert stored is not None
    assert stored.status == "running"
    await store.close()
