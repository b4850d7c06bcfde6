"""Random lives of jobs: the store does the same as the model, one event at a time, through faults and restarts."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import after
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import (
    Cancel,
    DeadlineOver,
    Event,
    FrameReceived,
    GraceOver,
    LeaseOver,
    NotHeld,
    OfferExpired,
    OfferRejected,
    QueueExpired,
    Report,
    RobotReturned,
    SocketLost,
)
from casare_rpa.domain.job_records import Added, Applied, Change, JobFilter, JobToAdd
from casare_rpa.domain.job_table import TRANSITIONS
from casare_rpa.domain.job_updates import queue_deadline
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robots import Profile
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.domain.vocabulary import JobStatus, ReportStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from storage.life_cycle_model import Model, assert_contiguous, assert_slots_hold, entry_of, state_of
from storage.life_cycle_wishes import DETAILS, DRAFTS, STATUSES, SUBMITS, WHICH
from storage.shared_file import open_unlocked
from storage.values import START, a_job

FLEET: dict[str, tuple[Profile, int, bool]] = {
    "ant": (Profile("default", frozenset()), 1, True),
    "bee": (Profile("default", frozenset({"sap", "web"})), 2, False),
    "cat": (Profile("default", frozenset({"sap"})), 1, False),
    "dog": (Profile("other", frozenset({"sap"})), 2, True),
}
"""Profile, slots, and whether the robot waits for an ack."""
ROBOTS = st.sampled_from(sorted(FLEET))
FAULTS = st.sampled_from([*[None] * 20, "store.commit", "store.committed"])
TIMED: dict[str, Event] = {
    event.name: event for event in (OfferExpired(), LeaseOver(0.5), DeadlineOver(), GraceOver(), QueueExpired())
} | {OfferExpired.held_name: OfferExpired()}
TESTS = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
"""A folder with fast commits. Other tests check that commits reach the disk."""


class Faults(Failpoints):
    """Fails the next commit, or the answer after it, once; or every commit while `disk_full`."""

    next: str | None = None
    disk_full = False

    def __init__(self) -> None:
        super().__init__()
        self.active = True

    def hit(self, point: str) -> None:
        if self.disk_full and point == "store.commit":
            raise sqlite3.OperationalError("database or disk is full")
        if point == self.next:
            self.next = None
            raise sqlite3.OperationalError(f"fault at {point}")


@cache
def empty_database() -> Path:
    """A database of the current schema, created once."""
    path = Path(mkdtemp()) / "casare.db"

    async def make() -> None:
        await (await SqliteStore.open(path)).close()

    asyncio.run(make())
    return path


async def every_page(store: Store, wanted: JobFilter, size: int) -> list[Job]:
    seen: list[Job] = []
    while page := await store.jobs(wanted, size, (seen[-1].submitted_at, seen[-1].job_id) if seen else None):
        assert len(page) <= size
        seen += page
    return seen


async def every_open_page(store: Store, tenant_id: str | None, size: int) -> list[Job]:
    seen: list[Job] = []
    while page := await store.open_jobs(tenant_id, size, seen[-1].job_id if seen else None):
        assert len(page) <= size
        seen += page
    return seen


class LifeCycle(RuleBasedStateMachine):
    """Every rule is applied to the store and to the model; after each rule, both are compared."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.lives = 0
        self.now = START
        self.model = Model()
        self.faults = Faults()
        self.sessions = dict.fromkeys(FLEET, 1)
        self.loop = asyncio.Runner()
        self.store: Store | None = None

    # Shared steps

    def do(self, act: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
        assert self.store is not None
        return self.loop.run(act(self.store))

    def write(
        self, act: Callable[[Store], Coroutine[Any, Any, Any]], fault: str | None, *, then: Callable[[], Any]
    ) -> None:
        """Apply it to the store with this fault, and `then` to the model, if it was written."""
        self.faults.next = fault
        try:
            answer = self.do(act)
        except StoreUnavailable:
            assert fault is not None
            if fault == "store.committed":
                then()
        else:
            assert fault is None
            assert without_numbers(answer) == then()

    def apply(self, changes: list[Change], fault: str | None = None) -> None:
        self.write(lambda store: store.apply(changes), fault, then=lambda: [self.model.apply(one) for one in changes])

    def tell(self, job_id: str, *events: Event, fault: str | None = None) -> None:
        self.apply([Change(job_id, event, self.now) for event in events], fault)

    def one_held(self, which: int) -> str:
        held = self.model.all_held()
        return held[which % len(held)].job_id

    def slot(self, robot_id: str, free: int) -> Slot:
        profile, capacity, claim_ack = FLEET[robot_id]
        return Slot(robot_id, self.session(robot_id), profile, min(free, capacity), capacity, claim_ack)

    def session(self, robot_id: str) -> str:
        return f"ses-{robot_id}-{self.sessions[robot_id]}"

    def report(self, job_id: str, status: ReportStatus, details: dict[str, Any]) -> Report:
        """A report of the last robot of the job about its attempt."""
        job = self.model.jobs[job_id]
        robot_id = job.robot_id or self.model.offers.get((job_id, job.attempt), "ant")
        return Report(robot_id, self.session(robot_id), job.attempt, status, **details)

    # Submits, dispatch, queues

    def open_empty(self) -> None:
        path = Path(self.folder.name) / "0" / "casare.db"
        path.parent.mkdir()
        shutil.copy(empty_database(), path)
        self._open(path)

    @initialize(target=jobs, stages=st.lists(st.sampled_from(["", "claimed", "running"]), min_size=6, max_size=6))
    def begin_at_work(self, stages: list[str]) -> MultipleResults[str]:
        """Start with held jobs, so that lives reach more states."""
        self.open_empty()
        wishes = [
            {"tenant_id": tenant, "max_attempts": n} for n in (1, 2) for tenant in ("default", "other", "default")
        ]
        new = [JobToAdd(a_job(submitted_at=self.now, timeout_seconds=100, **wish)) for wish in wishes]
        self.write(lambda store: store.add_jobs(new), None, then=lambda: self.model.add_all(new))
        self.claim_for(set(FLEET), 2, None)
        for job, stage in zip(self.model.all_held(), stages, strict=False):
            if stage:
                self.tell(job.job_id, self.report(job.job_id, ReportStatus(stage), {}))
        return multiple(*(one.job.job_id for one in new))

    @rule(target=jobs, submits=st.lists(SUBMITS, min_size=1, max_size=4), fault=FAULTS)
    def submit(self, submits: list[tuple[Any, ...]], fault: str | None) -> MultipleResults[str]:
        new = []
        for draft, delay, key, digest in submits:
            not_before = None if delay is None else after(self.now, delay)
            job = a_job(**draft, submitted_at=self.now, not_before=not_before)
            new.append(JobToAdd(replace(job, queue_expires_at=queue_deadline(job, self.now)), key, digest))
        self.write(lambda store: store.add_jobs(new), fault, then=lambda: self.model.add_all(new))
        return multiple(*(one.job.job_id for one in new if one.job.job_id in self.model.jobs))

    @precondition(lambda self: self.model.waiting(self.now))
    @rule(robots=st.just(set(FLEET)) | st.sets(ROBOTS, min_size=1), free=st.integers(1, 2), fault=FAULTS)
    def claim(self, robots: set[str], free: int, fault: str | None) -> None:
        self.claim_for(robots, free, fault)

    def claim_for(self, robots: set[str], free: int, fault: str | None) -> None:
        """`free` is the caller's number of free slots, which may be wrong."""
        slots = [self.slot(robot_id, free) for robot_id in sorted(robots)]

        async def act(store: Store) -> dict[str, Job]:
            return {job.job_id: job for job in await store.claim(Slots(slots), self.now)}

        self.write(act, fault, then=lambda: self.model.claim(slots, self.now))

    @rule(queue=st.sampled_from(["night", "*"]))
    def pause_or_resume(self, queue: str) -> None:
        if self.model.paused:
            self.do(lambda store: store.resume_queue(queue, audit=AN_ENTRY))
            self.model.paused -= self.model.paused if queue == "*" else {queue}
        else:
            self.do(lambda store: store.pause_queue(PausedQueue(queue, self.now, "ana"), audit=AN_ENTRY))
            self.model.paused.add(queue)

    # Reports of robots

    @precondition(lambda self: self.model.all_held())
    @rule(which=WHICH, statuses=st.lists(STATUSES, min_size=1, max_size=3), details=DETAILS, fault=FAULTS)
    def report_as_owner(
        self, which: int, statuses: list[ReportStatus], details: dict[str, Any], fault: str | None
    ) -> None:
        """Several reports on one job in one batch, each of which sees the earlier ones."""
        job_id = self.one_held(which)
        self.tell(job_id, *(self.report(job_id, status, details) for status in statuses), fault=fault)

    @rule(job_id=jobs, robot_id=ROBOTS, behind=st.sampled_from([None, -1, 0, 1, 2]), status=STATUSES)
    def report_of_anyone(self, job_id: str, robot_id: str, behind: int | None, status: ReportStatus) -> None:
        """A report of a wrong robot, or with a stale, unknown or missing attempt."""
        before = self.model.jobs[job_id]
        attempt = None if behind is None else before.attempt - behind
        self.tell(job_id, Report(robot_id, self.session(robot_id), attempt, status))
        if robot_id != before.robot_id or attempt not in (None, before.attempt):
            assert self.do(lambda store: store.job(job_id)) == before or before.robot_id is None

    @precondition(lambda self: self.model.all_held())
    @rule(which=WHICH, hours=st.sampled_from([1, 1, 25]), statuses=st.lists(STATUSES, max_size=2), details=DETAILS)
    def robot_is_given_up_and_speaks(
        self, which: int, hours: int, statuses: list[ReportStatus], details: dict[str, Any]
    ) -> None:
        """A report after the lease. It counts for a day if no other attempt has started."""
        job_id = self.one_held(which)
        for _ in range(2):  # a lease that was over before is extended
            self.now = after(self.now, 91)
            self.tell(job_id, LeaseOver(), OfferExpired())
        self.now = after(self.now, hours * 3600)
        self.tell(job_id, *(self.report(job_id, status, details) for status in statuses))

    @precondition(lambda self: self.model.all_held())
    @rule(which=WHICH, robot_id=ROBOTS, behind=st.integers(0, 1), owner=st.booleans())
    def reject(self, which: int, robot_id: str, behind: int, owner: bool) -> None:
        job = self.model.jobs[self.one_held(which)]
        who = (job.robot_id or robot_id) if owner else robot_id
        self.tell(job.job_id, OfferRejected(who, self.session(who), job.attempt - behind, "no room"))

    @precondition(lambda self: self.model.all_held())
    @rule(robot_id=ROBOTS, renew_all=st.booleans(), stale=st.booleans(), ago=st.sampled_from([0, 70]))
    def beat(self, robot_id: str, renew_all: bool, stale: bool, ago: int) -> None:
        named = tuple((job.job_id, job.attempt - stale) for job in self.model.jobs.values())
        beat = Beat(robot_id, after(self.now, -ago), renew_all, () if renew_all else named)
        self.write(lambda store: store.beat([beat]), None, then=lambda: self.model.beat(beat))

    @precondition(lambda self: self.model.all_held())
    @rule(which=WHICH, robot_id=ROBOTS)
    def frame(self, which: int, robot_id: str) -> None:
        job = self.model.jobs[self.one_held(which)]
        self.tell(job.job_id, FrameReceived(robot_id), FrameReceived(job.robot_id or ""))

    # Disconnects and reconnects

    @precondition(lambda self: self.model.all_held())
    @rule(robot_id=ROBOTS, stale=st.booleans(), fault=FAULTS)
    def socket_lost(self, robot_id: str, stale: bool, fault: str | None) -> None:
        session = "ses-of-another-time" if stale else self.session(robot_id)
        self.socket_lost_of(robot_id, session, fault)

    def socket_lost_of(self, robot_id: str, session: str, fault: str | None) -> None:
        self.apply([Change(job.job_id, SocketLost(session), self.now) for job in self.held(robot_id)], fault)

    @precondition(lambda self: self.model.all_held())
    @rule(robot_id=ROBOTS, kept=st.sampled_from([0, 1, 2, 2]), fault=FAULTS)
    def reconnect(self, robot_id: str, kept: int, fault: str | None) -> None:
        """A reconnect in a new session with the first `kept` jobs of those it held."""
        self.reconnect_with(robot_id, kept, fault)

    def reconnect_with(self, robot_id: str, kept: int, fault: str | None) -> None:
        self.sessions[robot_id] += 1
        session = self.session(robot_id)
        changes = [
            Change(
                job.job_id,
                RobotReturned(robot_id, session) if number < kept else NotHeld(robot_id, session, 0.25),
                self.now,
            )
            for number, job in enumerate(self.held(robot_id))
        ]
        self.apply(changes, fault)

    @rule(robot_id=ROBOTS)
    def offer_and_reconnect(self, robot_id: str) -> None:
        """Unclaimed jobs are offered again."""
        self.claim_for({robot_id}, 2, None)
        self.socket_lost_of(robot_id, self.session(robot_id), None)
        self.reconnect_with(robot_id, 1, None)

    # Cancels and time

    @precondition(lambda self: self.model.all_held())
    @rule(which=WHICH, ignored=st.integers(0, 2), fault=FAULTS)
    def cancel_at_work(self, which: int, ignored: int, fault: str | None) -> None:
        """The robot may not answer: the cancel is forced after 30 s and ends unconfirmed after 60 s."""
        job_id = self.one_held(which)
        self.tell(job_id, Cancel("not needed", "ana"), fault=fault)
        for _ in range(ignored):
            self.now = after(self.now, 30)
            self.tell(job_id, GraceOver())

    @rule(job_id=jobs, timed=st.permutations(sorted(TIMED)))
    def ask_for_what_is_not_due(self, job_id: str, timed: list[str]) -> None:
        """Events that are not due change nothing: the table checks the times."""
        self.tell(job_id, *(TIMED[name] for name in timed))

    @rule(seconds=st.sampled_from([1, 14, 15, 30, 90, 700, 25 * 3600]), fault=FAULTS, watched=st.booleans())
    def time_passes(self, seconds: int, fault: str | None, watched: bool) -> None:
        self.now = after(self.now, seconds)
        due = self.do(lambda store: store.due(self.now, 1_000))
        assert len(due) == len(set(due))
        assert set(due) == self.model.due(self.now)
        if watched:
            self.apply([Change(job_id, TIMED[name], self.now) for job_id, name in sorted(due)], fault)

    @rule(seconds=st.sampled_from([5, 90, 200]))
    def pause_of_ours(self, seconds: int) -> None:
        until = after(self.now, seconds)
        self.write(lambda store: store.extend_leases(until), None, then=lambda: self.model.extend_leases(until))

    # Several calls in one commit

    @rule(target=jobs, told=st.lists(st.tuples(jobs, STATUSES), min_size=2, max_size=6), draft=DRAFTS, cancelled=jobs)
    def several_callers_at_once(
        self, told: list[tuple[str, ReportStatus]], draft: dict[str, Any], cancelled: str
    ) -> str:
        """Calls of one kind keep their order; a batch sees what an earlier one wrote."""
        new = JobToAdd(a_job(**draft, submitted_at=self.now))
        half = len(told) // 2
        calls = [
            [Change(job_id, self.report(job_id, status, {}), self.now) for job_id, status in told[:half]],
            [Change(cancelled, Cancel("not needed", "ana"), self.now), Change("no-such-job", LeaseOver(), self.now)],
            [Change(job_id, self.report(job_id, status, {}), self.now) for job_id, status in told[half:]],
        ]

        async def act(store: Store) -> list[Any]:
            return await asyncio.gather(*(store.apply(call) for call in calls), store.add_jobs([new]))

        self.write(
            act,
            None,
            then=lambda: [*([self.model.apply(one) for one in call] for call in calls), [self.model.add(new)]],
        )
        return new.job.job_id

    @rule()
    def disk_is_full_for_everyone(self) -> None:
        """A failed commit that cancels all jobs, claims all and adds one writes nothing and changes no cache."""
        cancels = [Change(job_id, Cancel("not needed", "ana"), self.now) for job_id in self.model.jobs]
        slots = [self.slot(robot_id, 2) for robot_id in FLEET]

        async def act(store: Store) -> list[Any]:
            calls = (store.apply(cancels), store.claim(Slots(slots), self.now), store.add_jobs([JobToAdd(a_job())]))
            return await asyncio.gather(*calls, return_exceptions=True)

        self.faults.disk_full = True
        assert {type(answer) for answer in self.do(act)} == {StoreUnavailable}
        self.faults.disk_full = False

    # Restarts

    @rule()
    def restart(self) -> None:
        self._close()
        self._open(self.path)

    @rule()
    def crash(self) -> None:
        """Copy the files on the disk, which are what a killed process leaves."""
        self.lives += 1
        folder = Path(self.folder.name) / str(self.lives)
        folder.mkdir()
        for file in self.path.parent.glob("casare.db*"):
            if not file.name.endswith(("-shm", ".lock")):
                shutil.copy(file, folder)
        self._close()
        self._open(folder / "casare.db")

    def _open(self, path: Path) -> None:
        self.path = path
        self.store = self.loop.run(SqliteStore.open(path, failpoints=self.faults))

    def _close(self) -> None:
        self.do(lambda store: store.close())

    def held(self, robot_id: str) -> list[Job]:
        held: list[Job] = self.do(lambda store: store.held_jobs(robot_id))
        assert held == self.model.held(robot_id)
        return held

    # Invariants

    @invariant()
    def rows_are_those_of_the_model(self) -> None:
        if self.store is None:
            return
        stored = self.do(lambda store: store.jobs(JobFilter(), 10_000, None))
        assert stored == self.model.listed(JobFilter())
        assert_slots_hold(stored, {robot_id: capacity for robot_id, (_, capacity, _) in FLEET.items()})
        for tenant_id in (None, "default", "other"):
            counts = self.do(lambda store, tenant_id=tenant_id: store.counts(tenant_id, self.now))
            assert counts == self.model.counts(tenant_id, self.now)

    def check_numbers(self) -> None:
        """Changes are numbered without gaps over all crashes, full disks and lost answers, and read as they were."""
        for tenant_id in (None, "default", "other"):
            found = self.do(lambda store, tenant_id=tenant_id: store.changes_after(tenant_id, 0, 10_000))
            numbers = [one.seq if tenant_id is None else one.tenant_seq for one in found.changes]
            assert numbers == list(range(1, found.last + 1))
            assert all(tenant_id in (None, one.tenant_id) for one in found.changes)
            shown: dict[str, list[Any]] = {}
            for one in found.changes:
                shown.setdefault(one.job_id, []).append(state_of(one))
            expected = {
                job_id: states
                for job_id, states in self.model.shown.items()
                if tenant_id in (None, self.model.jobs[job_id].tenant_id)
            }
            assert shown == expected

    @rule(
        tenant_id=st.sampled_from([None, "default", "other"]),
        statuses=st.lists(st.sampled_from(JobStatus), max_size=3).map(tuple),
        robot_id=st.none() | ROBOTS,
        workflow_id=st.sampled_from([None, "letters"]),
        size=st.integers(1, 3),
    )
    def look(self, size: int, **wanted: Any) -> None:
        """The pages of any size with any filter together give the whole list."""
        wish = JobFilter(**wanted)
        assert self.do(lambda store: every_page(store, wish, size)) == self.model.listed(wish)
        everyone = self.model.listed(JobFilter(tenant_id=wish.tenant_id))
        not_ended = sorted((job for job in everyone if job.finished_at is None), key=lambda job: job.job_id)
        assert self.do(lambda store: every_open_page(store, wish.tenant_id, size)) == not_ended

    def teardown(self) -> None:
        try:
            for job_id, entries in self.model.history.items():
                stored = self.do(lambda store, job_id=job_id: store.job_history(job_id, 1000))
                assert [entry_of(entry) for entry in stored] == entries
                assert_contiguous(stored, self.model.jobs[job_id])
            if self.store is not None:
                self.check_numbers()
        finally:
            if self.store is not None:
                self._close()
            self.loop.close()
            self.folder.cleanup()


class LifeCycleInTurns(LifeCycle):
    """The same with two writers on one database: each step is done by the other one than the step before."""

    def __init__(self) -> None:
        super().__init__()
        self.stores: list[SqliteStore] = []

    def do(self, act: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
        self.stores.reverse()
        self.store = self.stores[0]
        return super().do(act)

    def _open(self, path: Path) -> None:
        self.path = path
        self.stores = [self.loop.run(open_unlocked(path, slot, failpoints=self.faults)) for slot in (0, 1)]
        self.store = self.stores[0]

    def _close(self) -> None:
        for store in self.stores:
            self.loop.run(store.close())


def without_numbers(answer: Any) -> Any:
    """The answer without the numbers of changes: the batches decide about the order of changes of several jobs."""
    if isinstance(answer, list):
        return [without_numbers(one) for one in answer]
    return replace(answer, numbers=None) if isinstance(answer, Added | Applied) else answer


LIVES: dict[str, type[LifeCycle]] = {"one writer": LifeCycle, "two writers": LifeCycleInTurns}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lives", "examples"),
    [
        ("one writer", 60),
        ("two writers", 10),
        pytest.param("one writer", 90, marks=pytest.mark.long),
        pytest.param("two writers", 90, marks=pytest.mark.long),
    ],
)
def test_store_behaves_like_the_model(lives: str, examples: int) -> None:
    """In a process of its own: examples also come from the constants of all imported modules, so of earlier tests."""
    folders = [str(TESTS), str(TESTS.parent)]
    done = subprocess.run(
        [sys.executable, "-m", "storage.test_life_cycle", lives, str(examples)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def live(lives: type[LifeCycle], examples: int) -> None:
    """Run the lives. Those of one writer are enough to apply every row of the table."""
    Model.walked.clear()
    run_state_machine_as_test(
        lives,
        settings=settings(
            derandomize=True,
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),  # a failure is printed as found: shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
    rows = {number for row in TRANSITIONS for number in row.number.split(", ")}
    assert lives is not LifeCycle or Model.walked.keys() >= rows, Model.walked
    print(Model.walked)


if __name__ == "__main__":
    live(LIVES[sys.argv[1]], int(sys.argv[2]))
