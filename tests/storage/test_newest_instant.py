"""The newest instant in a store, which shows when it was last written."""

from audit_entries import AN_ENTRY
from casare_rpa.domain.robot_records import Beat
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import a_job, a_robot, add, at, running


async def test_empty_store_has_no_newest_instant(store: Store) -> None:
    assert await store.newest_instant() is None


async def test_history_entry_counts_as_newest_instant(store: Store) -> None:
    await add(store, a_job())
    assert await store.newest_instant() == at(0)


async def test_lease_reveals_the_time_of_its_renewal(store: Store) -> None:
    job = await running(store)
    await store.beat([Beat("robot-1", at(500), False, ((job.job_id, 1),))])
    assert await store.newest_instant() == at(500)
    await store.extend_leases(at(1090))
    assert await store.newest_instant() == at(1000)


async def test_robot_without_a_job_reveals_when_it_was_seen(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await store.beat([Beat("robot-1", at(700), False)])
    assert await store.newest_instant() == at(700)
