"""Groups of failures of every store: their figures, notes and mutes."""

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.failure_groups import DAY_SECONDS, FailureSpan, GroupKey, GroupNote, Mute
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.instants import FOREVER
from casare_rpa.domain.job import Job
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from storage.values import START, a_job, a_report, a_slot, add, at, running, tell

TWO_JOBS = pytest.mark.parametrize("limits", [StoreLimits(statistics_jobs=2)])
SPAN = FailureSpan(START, FOREVER, at(600))


async def failed(store: Store, message: str, seconds: float, robot_id: str = "robot-1", **wishes: object) -> Job:
    job = await running(store, robot_id, **wishes)
    return await _end(store, job, message, seconds, robot_id)


async def _end(store: Store, job: Job, message: str, seconds: float, robot_id: str) -> Job:
    error = f'{{"type": "ValueError", "message": "{message}"}}'
    await tell(store, job.job_id, a_report("failed", robot_id, error=error), seconds)
    stored = await store.job(job.job_id)
    assert stored is not None
    return stored


async def failed_in(store: Store, tenant_id: str, message: str, seconds: float) -> Job:
    """A failure of a tenant other than `default`."""
    job = a_job(tenant_id=tenant_id)
    await add(store, job)
    await store.claim(Slots([a_slot("robot-9", tenant_id=tenant_id)]), at(1))
    return await _end(store, job, message, seconds, "robot-9")


def key_of(job: Job) -> GroupKey:
    group = fingerprint(job)
    assert group is not None
    return GroupKey(job.tenant_id, group)


async def test_failures_with_one_cause_are_one_group_with_first_and_newest(store: Store) -> None:
    oldest = await failed(store, "row 1 is bad", 10)
    await failed(store, "no such sheet", 20)
    await failed(store, "row 2 is bad", 30)
    newest = await failed(store, "row 3 is bad", 40)
    found = await store.failures(None, SPAN, 50)
    assert (found.scanned, found.capped) == (4, False)
    largest, other = found.groups
    assert (largest.count, largest.first_at, largest.last_at) == (3, at(10), at(40))
    assert largest.last == newest
    assert other.count == 1
    assert largest.key != other.key
    assert oldest.finished_at == largest.first_at


async def test_trend_and_robots_of_a_group_sum_to_its_count(store: Store) -> None:
    await failed(store, "row 1 is bad", 10)
    await failed(store, "row 2 is bad", 310, "robot-2")
    newest = await failed(store, "row 3 is bad", 320, "robot-2")
    await failed(store, "no such sheet", 20)
    (group, other) = (await store.failures(None, SPAN, 50)).groups
    assert SPAN.bar_seconds == 300
    assert group.trend == [1, 2, 0]
    assert group.robots == {"robot-1": 1, "robot-2": 2}
    assert (other.trend, other.robots) == ([1, 0, 0], {"robot-1": 1})
    assert await store.failure_group(key_of(newest), SPAN) == group
    late = FailureSpan(at(300), FOREVER, at(600))
    (seen,) = (await store.failures(None, late, 50)).groups
    assert (seen.count, seen.trend, seen.first_at) == (2, [2, 0], at(10))
    none = await store.failure_group(key_of(newest), FailureSpan(at(400), FOREVER, at(600)))
    assert none is not None
    assert (none.count, none.last, none.first_at) == (0, newest, at(10))


async def test_group_is_new_for_a_day_after_its_first_failure(store: Store) -> None:
    job = await failed(store, "bad", 0)
    await failed(store, "bad", DAY_SECONDS)
    group = await store.failure_group(key_of(job), SPAN)
    assert group is not None
    assert group.is_new(at(DAY_SECONDS - 1))
    assert not group.is_new(at(DAY_SECONDS))


async def test_failures_are_limited_by_tenant_time_and_number_of_groups(store: Store) -> None:
    await failed(store, "one", 10)
    await failed(store, "two", 20)
    late = FailureSpan(at(15), FOREVER, at(600))
    assert [group.last.finished_at for group in (await store.failures("default", late, 50)).groups] == [at(20)]
    early = FailureSpan(START, at(20), at(600))
    assert [group.last.finished_at for group in (await store.failures("default", early, 50)).groups] == [at(10)]
    nobody = await store.failures("other", SPAN, 50)
    assert (nobody.groups, nobody.scanned, nobody.capped) == ([], 0, False)
    few = await store.failures(None, SPAN, 1)
    assert (len(few.groups), few.scanned) == (1, 2)


@TWO_JOBS
async def test_more_failures_than_the_limit_are_capped(store: Store) -> None:
    await failed(store, "old", 10)
    await failed(store, "young", 20)
    assert not (await store.failures(None, SPAN, 50)).capped
    await failed(store, "young", 30)
    await failed(store, "young", 40)
    found = await store.failures(None, SPAN, 50)
    assert (found.scanned, found.capped, [group.count for group in found.groups]) == (2, True, [2])
    assert sum(found.groups[0].trend) == 2


async def test_failures_of_two_tenants_are_two_groups_with_own_notes(store: Store) -> None:
    ours, theirs = await failed(store, "bad", 10), await failed_in(store, "other", "bad", 20)
    assert fingerprint(ours) == fingerprint(theirs)
    await store.write_failure_note(key_of(theirs), "secret", None, at(30), audit=AN_ENTRY)
    groups = (await store.failures(None, SPAN, 50)).groups
    assert {group.key.tenant_id: (group.count, group.note.note) for group in groups} == {
        "default": (1, ""),
        "other": (1, "secret"),
    }
    assert [group.note for group in (await store.failures("default", SPAN, 50)).groups] == [GroupNote()]
    assert await store.last_failure(key_of(ours).fingerprint, None) is not None
    assert await store.last_failure(key_of(ours).fingerprint, "other") == theirs
    assert await store.last_failure("0000000000000000", None) is None


async def test_note_and_owner_are_changed_apart_and_a_repetition_has_no_entry(store: Store) -> None:
    key = key_of(await failed(store, "bad", 10))
    entry = NewAudit(at(30), "ana", "note_failures", key.fingerprint, "")
    assert await store.write_failure_note(key, "SAP is down", None, at(30), audit=entry)
    assert await store.write_failure_note(key, None, "bo", at(31), audit=entry)
    assert not await store.write_failure_note(key, "SAP is down", "bo", at(32), audit=entry)
    assert len(await store.audit(key.fingerprint, (), 9, None)) == 2
    (group,) = (await store.failures(None, SPAN, 50)).groups
    assert group.note == GroupNote("SAP is down", "bo")
    assert await store.write_failure_note(key, "", None, at(33), audit=entry)
    (group,) = (await store.failures(None, SPAN, 50)).groups
    assert group.note == GroupNote("", "bo")


async def test_muted_group_is_counted_apart_until_it_is_unmuted(store: Store) -> None:
    noisy = await failed(store, "row 1 is bad", 10)
    await failed(store, "row 2 is bad", 20)
    await failed(store, "no such sheet", 30)
    await store.mute_failures(key_of(noisy), Mute(at(40), "ana"), audit=AN_ENTRY)
    every = await store.failures(None, SPAN, 50)
    assert [group.note.muted for group in every.groups] == [Mute(at(40), "ana"), None]
    assert (every.muted_groups, every.muted_failures) == (1, 2)
    assert [group.count for group in (await store.failures(None, SPAN, 50, muted=False)).groups] == [1]
    assert [group.count for group in (await store.failures(None, SPAN, 50, muted=True)).groups] == [2]
    entry = NewAudit(at(50), "ana", "unmute_failures", "f", "")
    assert await store.unmute_failures(key_of(noisy), at(50), audit=entry)
    assert not await store.unmute_failures(key_of(noisy), at(51), audit=entry)
    assert len(await store.audit("f", (), 9, None)) == 1
    assert (await store.failures(None, SPAN, 50)).muted_groups == 0


async def test_mute_ends_at_its_time_and_keeps_the_note(store: Store) -> None:
    key = key_of(await failed(store, "bad", 10))
    await store.write_failure_note(key, "later", "bo", at(20), audit=AN_ENTRY)
    await store.mute_failures(key, Mute(at(20), "ana"), audit=AN_ENTRY)
    await store.mute_failures(key, Mute(at(21), "ana", at(600)), audit=AN_ENTRY)
    before = await store.failure_group(key, FailureSpan(START, FOREVER, at(599)))
    after_end = await store.failure_group(key, FailureSpan(START, FOREVER, at(600)))
    assert before is not None
    assert after_end is not None
    assert before.note == GroupNote("later", "bo", Mute(at(21), "ana", at(600)))
    assert after_end.note == GroupNote("later", "bo")


async def test_notes_are_deleted_after_the_jobs_of_their_group(store: Store) -> None:
    key = key_of(await failed(store, "bad", 10))
    await store.write_failure_note(key, "kept", None, at(20), audit=AN_ENTRY)
    await store.delete_failure_notes(at(90_000))
    group = await store.failure_group(key, SPAN)
    assert group is not None
    assert group.note.note == "kept"
    await store.delete_oldest(RetainedKind.JOBS, FOREVER, 9)
    assert await store.failure_group(key, SPAN) is None
    await store.delete_failure_notes(at(20))
    job = await failed(store, "bad", 10)
    group = await store.failure_group(key_of(job), SPAN)
    assert group is not None
    assert group.note.note == "kept"
    await store.delete_oldest(RetainedKind.JOBS, FOREVER, 9)
    await store.delete_failure_notes(at(21))
    await failed(store, "bad", 10)
    group = await store.failure_group(key, SPAN)
    assert group is not None
    assert group.note == GroupNote()
