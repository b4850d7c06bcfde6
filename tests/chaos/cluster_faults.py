"""The faults of a run with several instances. Each returns the end of its harm, as in `faults`."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

from chaos import faults
from chaos.campaign import Campaign
from chaos.cluster import ClusterCampaign
from chaos.faults import EXIT_SECONDS, Fault
from chaos.processes import Child

SHORT_STOP_SECONDS = 5.0


def _one(run: ClusterCampaign) -> Child:
    return cast(Child, run.random.choice([one for one in run.instances if one.alive]))


def cluster_fault(act: Callable[[ClusterCampaign], Awaitable[float]]) -> Fault:
    """A fault that needs several instances."""

    async def fault(run: Campaign) -> float:
        assert isinstance(run, ClusterCampaign)
        return await act(run)

    fault.__name__ = act.__name__
    return fault


@cluster_fault
async def instance_killed(run: ClusterCampaign) -> float:
    await _one(run).kill()
    return time.monotonic()


@cluster_fault
async def instance_killed_before_commit(run: ClusterCampaign) -> float:
    return await _at_point(run, "store.commit:kill")


@cluster_fault
async def instance_killed_after_commit(run: ClusterCampaign) -> float:
    return await _at_point(run, "store.committed:kill")


async def _at_point(run: ClusterCampaign, point: str) -> float:
    one = _one(run)
    starts = one.starts
    one.next_time(CASARE_FAILPOINTS=f"{point}@{run.random.randint(1, 40)}")
    await one.kill()
    try:
        async with asyncio.timeout(3 * faults.POINT_SECONDS):
            while one.starts == starts:  # until then, `ended` is that of the killed process
                await asyncio.sleep(0.05)
            await one.ended.wait()
    except TimeoutError:
        await one.kill()
    return time.monotonic()


@cluster_fault
async def instance_stopped(run: ClusterCampaign) -> float:
    return await _stop(run, run.pace.pause)


@cluster_fault
async def instance_stopped_until_others_take_its_robots(run: ClusterCampaign) -> float:
    """Longer than an instance may be silent, shorter than a lease."""
    return await _stop(run, run.pace.lease * 2 / 3)


@cluster_fault
async def instance_stopped_for_longer_than_a_lease(run: ClusterCampaign) -> float:
    return await _stop(run, run.pace.lease * 4 / 3)


async def _stop(run: ClusterCampaign, seconds: float) -> float:
    one = _one(run)
    one.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    one.send(signal.SIGCONT)
    return time.monotonic()


@cluster_fault
async def instances_restarted_in_turn(run: ClusterCampaign) -> float:
    """A rolling restart: the next instance stops when the one before is ready again."""
    for number in range(len(run.instances)):
        await _restart(run, number)
    return time.monotonic()


@cluster_fault
async def instances_changed_to_the_other_version_in_turn(run: ClusterCampaign) -> float:
    """A rolling upgrade to a later version, which expands the schema; the next time, a rolling downgrade."""
    run.upgraded = not run.upgraded
    for number, one in enumerate(run.instances):
        wanted = run.change_version(number)
        await _restart(run, number)
        if (shown := await run.version_of(number)) not in (wanted, None):
            run.remarks.append(f"{one.name} runs version {shown}, not {wanted}")
    return time.monotonic()


async def _restart(run: ClusterCampaign, number: int) -> None:
    """Stop an instance with SIGTERM, and wait until it is ready again."""
    one = run.instances[number]
    await run.until_instance_is_ready(number)  # after an earlier fault; a process that starts has no handler yet
    began = time.monotonic()
    one.send(signal.SIGTERM)
    await one.ended.wait()
    if one.codes[-1] != 0:
        run.remarks.append(f"SIGTERM under load: {one.name} left with {one.codes[-1]}")
    if time.monotonic() - began > EXIT_SECONDS:
        run.remarks.append(f"SIGTERM under load: {one.name} was gone after {time.monotonic() - began:.1f} s")
    await run.until_instance_is_ready(number)


@cluster_fault
async def database_restarted(run: ClusterCampaign) -> float:
    await asyncio.to_thread(run.database.stop)
    await asyncio.to_thread(run.database.start)
    return time.monotonic()


@cluster_fault
async def database_killed(run: ClusterCampaign) -> float:
    await asyncio.to_thread(run.database.kill)
    await asyncio.to_thread(run.database.start)
    return time.monotonic()


@cluster_fault
async def database_stopped(run: ClusterCampaign) -> float:
    run.database.pause()
    await asyncio.sleep(SHORT_STOP_SECONDS)
    run.database.resume()
    return time.monotonic()


@cluster_fault
async def database_away(run: ClusterCampaign) -> float:
    """Longer than a call is repeated."""
    run.database.pause()
    await asyncio.sleep(4 * run.pace.pause)
    run.database.resume()
    return time.monotonic()


@cluster_fault
async def connections_to_the_database_ended(run: ClusterCampaign) -> float:
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = 'casare' AND pid <> pg_backend_pid()"
    )
    await asyncio.to_thread(run.database.run_sql, ended)
    return time.monotonic()


@cluster_fault
async def standby_promoted(run: ClusterCampaign) -> float:
    """The primary ends and does not return; its synchronous standby takes its place. Once in a run."""
    if not run.promoted:
        await asyncio.to_thread(run.primary.kill)
        await asyncio.to_thread(run.standby.promote)
        run.promoted = True
    return time.monotonic()


@cluster_fault
async def bus_away(run: ClusterCampaign) -> float:
    """NATS is gone for a while; without NATS, the connections that listen are ended."""
    if run.wishes.nats:
        run.stop_nats()
        await asyncio.sleep(run.pace.pause)
        run.start_nats()
    else:
        ended = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'casare bus%'"
        )
        await asyncio.to_thread(run.database.run_sql, ended)
    return time.monotonic()


INSTANCE_FAULTS: tuple[Fault, ...] = (
    instance_killed,
    instance_killed_before_commit,
    instance_killed_after_commit,
    instance_stopped,
    instances_restarted_in_turn,
    instances_changed_to_the_other_version_in_turn,  # an upgrade
    instances_changed_to_the_other_version_in_turn,  # a downgrade
    database_restarted,
    database_killed,
    database_stopped,
    connections_to_the_database_ended,
    standby_promoted,
    bus_away,
    faults.robots_killed,
    faults.robot_killed_before_its_report,
    faults.robots_stopped,
    faults.submitter_killed_before_it_wrote_the_answer,
    faults.connections_reset,
    faults.half_open_up,
    faults.half_open_down,
    faults.network_frozen,
)
LONG_INSTANCE_FAULTS: tuple[Fault, ...] = (
    instance_stopped_until_others_take_its_robots,
    instance_stopped_for_longer_than_a_lease,
    database_away,
)


def cluster_plan(run: Campaign, seconds: float) -> Iterator[Fault]:
    """Faults in a random order of the seed, each once before any is repeated; long ones only if there is time."""
    planned = list(INSTANCE_FAULTS)
    if seconds > 4 * run.pace.lease:
        planned += LONG_INSTANCE_FAULTS
    while True:
        run.random.shuffle(planned)
        yield from planned
