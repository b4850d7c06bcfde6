"""The guarantees of every store for the reads that memory is compared with."""

import sqlite3
from pathlib import Path

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.job_events import Cancel, CancelSent
from casare_rpa.domain.stored_state import JobRevision, StoredHeldJob
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite import resync_rows
from new_database import new_database
from storage.values import a_job, a_report, a_robot, add, at, running, tell


async def test_fleet_state_has_every_robot_and_every_held_job(store: Store) -> None:
    await store.add_robot(a_robot(tags=("sap", "web"), max_concurrent_jobs=3, name="The third"), audit=AN_ENTRY)
    await store.add_robot(a_robot("robot-2"), audit=AN_ENTRY)
    await store.order_robots([a_drain("robot-2", at(1))], None)
    held = await running(store)
    await add(store, a_job())
    state = await store.fleet_state()
    stored = {robot.robot_id: robot for robot in await store.robots(None)}
    assert sorted(stored) == [profile.robot_id for profile in sorted(state.robots, key=lambda p: p.robot_id)]
    assert all(profile.matches(stored[profile.robot_id]) for profile in state.robots)
    assert not any(profile.matches(a_robot(profile.robot_id, name="another")) for profile in state.robots)
    assert state.held == [StoredHeldJob("robot-1", held.job_id, JobStatus.RUNNING)]


async def test_fleet_state_of_some_robots(store: Store) -> None:
    for robot_id in ("robot-1", "robot-2", "robot-3"):
        await store.add_robot(a_robot(robot_id), audit=AN_ENTRY)
    held = await running(store)
    state = await store.fleet_state(["robot-1", "robot-3", "unknown"])
    assert sorted(profile.robot_id for profile in state.robots) == ["robot-1", "robot-3"]
    assert state.held == [StoredHeldJob("robot-1", held.job_id, JobStatus.RUNNING)]
    assert (await store.fleet_state(["robot-2"])).held == []
    assert (await store.fleet_state([])).robots == []


async def test_fleet_state_excludes_ended_jobs(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    job = await running(store)
    await tell(store, job.job_id, a_report("completed"), 9)
    assert (await store.fleet_state()).held == []


async def test_stopping_jobs_are_open_jobs_whose_cancel_advanced(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    nothing = await store.stopping_jobs(None)
    assert nothing.jobs == []
    job = await running(store)
    since = await store.stopping_jobs(nothing.last_event_id)
    assert since.jobs == [], "only a cancel"
    for event in (Cancel("enough", "ana"), CancelSent("robot-1", "ses-robot-1")):
        await tell(store, job.job_id, event, 9)
        stored = await store.job(job.job_id)
        assert stored is not None
        advanced = await store.stopping_jobs(since.last_event_id)
        assert advanced.jobs == [JobRevision(job.job_id, stored.revision)]
        since = advanced
    await tell(store, job.job_id, a_report("failed"), 9)
    assert (await store.stopping_jobs(nothing.last_event_id)).jobs == [], "only open jobs"
    assert (await store.stopping_jobs(None)).last_event_id > since.last_event_id


def test_stopping_jobs_read_only_entries_after_the_given_one(tmp_path: Path) -> None:
    """The history of months must not be read every few seconds."""
    connection = sqlite3.connect(new_database(tmp_path))
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {resync_rows.STOPPING_JOBS}", {"after": 1})]
    connection.close()
    assert any("job_events USING INTEGER PRIMARY KEY (rowid>?)" in step for step in steps), steps
    assert not any(step.startswith("SCAN job") and "changed" not in step for step in steps if "LIST" not in step), steps
