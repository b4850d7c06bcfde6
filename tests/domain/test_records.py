"""The defaults of the records that pass between the slices and the store: a filter without arguments matches all."""

from dataclasses import FrozenInstanceError, fields

import pytest
from msgspec import structs

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_records import ChangeNumbers, JobFilter, JobOrder, JobToAdd, ShownChange
from casare_rpa.domain.logs import Level, LogFilter
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.statistics import Counts, StoreStatistics
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import JobStatus
from domain.table import pending

AT = Instant(1)


def test_job_filter_without_arguments_restricts_nothing() -> None:
    filled = [field.name for field in fields(JobFilter) if getattr(JobFilter(), field.name) not in (None, False, ())]
    assert filled == []


def test_position_of_a_job_is_its_time_in_the_order_and_its_id() -> None:
    open_job = pending()
    ended = structs.replace(open_job, finished_at=Instant(9_000_000))
    for order in JobOrder:
        assert order.position(open_job) == (open_job.submitted_at, open_job.job_id)
        assert order.position(ended)[0] == (9_000_000 if order.by_end else open_job.submitted_at)
    assert [order for order in JobOrder if order.by_end] == [JobOrder.LAST_ENDED, JobOrder.FIRST_ENDED]
    assert [order for order in JobOrder if order.descending] == [JobOrder.NEWEST, JobOrder.LAST_ENDED]


def test_log_filter_without_arguments_begins_at_the_lowest_level() -> None:
    filled = {field.name for field in fields(LogFilter) if getattr(LogFilter(), field.name) is not None}
    assert filled == {"min_level"}
    assert LogFilter().min_level is Level.DEBUG


def test_submit_without_idempotency_key_has_no_digest() -> None:
    assert (new := JobToAdd(pending())).idempotency_key is None
    assert new.body_digest == ""


def test_beat_without_heartbeat_has_no_figures() -> None:
    beat = Beat(robot_id="alpha", seen_at=AT, renew_all=True)
    assert (beat.reported_status, beat.cpu_percent, beat.memory_mb, beat.heartbeat_at) == (None, None, None, None)


@pytest.mark.parametrize("record", [Counts(), StoreStatistics(0, 0), Tenant("default", "Default", AT)])
def test_records_cannot_be_changed(record: object) -> None:
    name = next(iter(fields(record))).name  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, 1)


def test_pause_names_the_queue_the_time_and_the_person() -> None:
    paused = PausedQueue("default", AT, "admin")
    assert (paused.queue, paused.paused_at, paused.paused_by, paused.reason) == ("default", AT, "admin", "")
    assert Queue("invoices", AT, "admin").created_by == "admin"


def test_kinds_of_retained_records() -> None:
    assert {kind.value for kind in RetainedKind} == {"jobs", "log lines", "audit entries"}


def test_stored_change_has_the_numbers_of_its_answer() -> None:
    place = (7, 3, Instant(9))
    change = ShownChange(None, None, 0.0, None, False, None, 2, "job-1", "w", "default", JobStatus.PENDING, 0, *place)
    assert change.numbers == ChangeNumbers(*place)
