"""Group commit with a driver without a database: the answer to each caller after a failure."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from threading import Event

import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.batcher import SMALL, Batcher
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints


class DiskFailed(Exception):
    """The database itself failed."""


class Log:
    """A list as a database: a transaction appends to it, and a rollback removes its rows."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.committed: list[str] = []
        self.savepoints: list[int] = []
        self.reloads = 0
        self.open = False
        self.connected = False
        self.connecting = Event()
        self.may_connect: Event | None = None
        self.failing: dict[str, list[Exception]] = {}
        """The errors that the next calls of a step raise."""

    def step(self, name: str) -> None:
        if self.failing.get(name):
            raise self.failing[name].pop()


class LogDriver:
    """Implements `batcher.Driver`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def connect(self) -> Log:
        self._log.connecting.set()
        if self._log.may_connect is not None:
            assert self._log.may_connect.wait(10)
        self._log.step("connect")
        self._log.connected = True
        return self._log

    def begin(self, connection: Log) -> None:
        assert not connection.open, "a transaction was left open"
        connection.open = True
        connection.rows = []

    def commit(self, connection: Log) -> None:
        connection.step("commit")
        connection.committed += connection.rows
        connection.open = False

    def rollback(self, connection: Log) -> None:
        connection.step("rollback")
        connection.rows, connection.open = [], False

    def savepoint(self, connection: Log) -> None:
        connection.savepoints.append(len(connection.rows))

    def rollback_to_savepoint(self, connection: Log) -> None:
        connection.step("rollback_to_savepoint")
        del connection.rows[connection.savepoints[-1] :]

    def release_savepoint(self, connection: Log) -> None:
        connection.savepoints.pop()

    def fails_transaction(self, error: Exception) -> bool:
        return isinstance(error, DiskFailed)

    def reload_caches(self, connection: Log) -> None:
        connection.step("reload")
        connection.reloads += 1

    def disconnect(self, connection: Log) -> None:
        assert not connection.open
        connection.connected = False


class Append:
    """A batch command that appends its calls. A call that begins with `bad` raises an error unknown to the driver."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.hold: Event | None = None
        self.began = Event()

    def execute(self, connection: Log, calls: Sequence[str]) -> list[int]:
        self.began.set()
        if self.hold is not None:
            assert self.hold.wait(10)
        self.batches.append([*calls])
        for call in calls:
            connection.rows.append(call)
            if call.startswith("bad"):
                raise ValueError(call)
            if call == "disk":
                raise DiskFailed(call)
        return [len(call) for call in calls]


@pytest.fixture
def log() -> Log:
    return Log()


@asynccontextmanager
async def started(log: Log, faults: str = "", max_waiting: int = 100) -> AsyncIterator[Batcher[Log]]:
    failpoints = Failpoints(faults)
    failpoints.arm()
    batcher = Batcher(LogDriver(log), failpoints, max_waiting=max_waiting)
    await batcher.start()
    try:
        yield batcher
    finally:
        await batcher.close()


def kinds(outcomes: Sequence[object]) -> list[object]:
    return [type(one) if isinstance(one, Exception) else one for one in outcomes]


async def test_error_of_one_call_fails_only_that_call(log: Log) -> None:
    command = Append()
    async with started(log) as batcher:
        outcomes = await asyncio.gather(
            *[batcher.submit(command, call) for call in ("a", "bad", "bc")], return_exceptions=True
        )
    assert kinds(outcomes) == [1, StoreUnavailable, 2]
    assert sorted(log.committed) == ["a", "bc"]


async def test_failing_single_write_does_not_affect_the_batch(log: Log) -> None:
    def fail(connection: Log) -> None:
        connection.rows.append("half")
        raise KeyError("mine")

    async with started(log) as batcher:
        outcomes = await asyncio.gather(
            batcher.write(lambda connection: connection.rows.append("whole")),
            batcher.write(fail),
            batcher.submit(Append(), "a"),
            return_exceptions=True,
        )
    assert kinds(outcomes) == [None, KeyError, 1]
    assert sorted(log.committed) == ["a", "whole"]
    assert log.reloads == 1, "caches could have followed the write that was undone"


async def test_failing_database_fails_the_transaction_and_the_next_one_succeeds(log: Log) -> None:
    command = Append()
    async with started(log) as batcher:
        with pytest.raises(StoreUnavailable, match="nothing was written"):
            await batcher.submit(command, "disk")
        assert await batcher.submit(command, "after") == 5
        assert batcher.statistics().failures == 1
        assert batcher.statistics().commits == 1
    assert log.committed == ["after"]


@pytest.mark.parametrize("step", ["rollback", "rollback_to_savepoint", "reload"])
@pytest.mark.parametrize("times", [1, 3])
async def test_error_in_a_rollback_does_not_end_the_writer(log: Log, step: str, times: int) -> None:
    command = Append()
    async with started(log) as batcher:
        log.failing[step] = [DiskFailed(step) for _ in range(times)]
        for _ in range(times + 1):
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(batcher.submit(command, "disk" if step == "rollback" else "bad"), 10)
        log.failing.clear()
        assert await asyncio.wait_for(batcher.submit(command, "ok"), 10) == 2
    assert log.committed == ["ok"]


async def test_failed_commit_is_rolled_back_and_the_caches_are_reloaded(log: Log) -> None:
    command, held = Append(), Append()
    held.hold = Event()
    async with started(log, "store.commit:error@2") as batcher:
        assert await batcher.submit(command, "first") == 5
        began = asyncio.create_task(batcher.submit(held, "a"))
        assert await asyncio.to_thread(held.began.wait, 10)
        joined = asyncio.create_task(batcher.submit(command, "b"))
        await asyncio.sleep(0)
        held.hold.set()
        assert kinds(await asyncio.gather(began, joined, return_exceptions=True)) == [StoreUnavailable] * 2
        assert not log.open, "it has no locks that other writers wait for"
        assert log.reloads == 0
        assert await batcher.submit(command, "c") == 1
    assert log.reloads == 1
    assert log.committed == ["first", "c"]


async def test_commit_without_an_answer_has_its_own_error(log: Log) -> None:
    async with started(log, "store.committed:error@1") as batcher:
        with pytest.raises(StoreUnavailable, match="committed, but could not answer"):
            await batcher.submit(Append(), "a")
        assert await batcher.submit(Append(), "bb") == 2
    assert log.committed == ["a", "bb"]


async def test_caller_that_waits_for_room_is_answered_when_the_store_closes(log: Log) -> None:
    held = Append()
    held.hold = Event()
    async with started(log, max_waiting=1) as batcher:
        first = asyncio.create_task(batcher.submit(held, "first"))
        waiting = [asyncio.create_task(batcher.submit(held, "waits")) for _ in range(3)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        held.hold.set()
        async with asyncio.timeout(10):
            assert await first == 5
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            await closing
    assert kinds(outcomes) == [StoreUnavailable] * 3
    assert log.committed == ["first"]


async def test_close_writes_earlier_submitted_operations(log: Log) -> None:
    async with started(log) as batcher:
        waiting = [asyncio.create_task(batcher.submit(Append(), call)) for call in "abc"]
        await asyncio.sleep(0)
        await batcher.close()
        assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert log.committed == ["a", "b", "c"]


async def test_calls_of_one_command_run_together_and_in_order(log: Log) -> None:
    held = Append()
    held.hold = Event()
    async with started(log) as batcher:
        first = asyncio.create_task(batcher.submit(held, "0"))
        await asyncio.sleep(0)
        rest = [asyncio.create_task(batcher.submit(held, str(number))) for number in range(1, 20)]
        await asyncio.sleep(0)
        held.hold.set()
        await asyncio.gather(first, *rest)
        commits = batcher.statistics().commits
    assert [call for batch in held.batches for call in batch] == [str(number) for number in range(20)]
    assert (commits, len(held.batches)) in ((1, 1), (1, 2))


@pytest.mark.parametrize(("number", "commits"), [(SMALL - 1, 1), (SMALL, 2)])
async def test_small_transaction_takes_what_arrives_while_it_executes(log: Log, number: int, commits: int) -> None:
    held, later = Append(), Append()
    held.hold, log.may_connect = Event(), Event()
    batcher = Batcher(LogDriver(log), Failpoints())
    starting = asyncio.create_task(batcher.start())
    first = [asyncio.create_task(batcher.submit(held, str(number))) for number in range(number)]
    await asyncio.sleep(0)
    log.may_connect.set()
    assert await asyncio.to_thread(held.began.wait, 10)
    second = [asyncio.create_task(batcher.submit(later, call)) for call in "ab"]
    await asyncio.sleep(0)
    held.hold.set()
    await asyncio.gather(starting, *first, *second)
    assert log.committed == [*map(str, range(number)), "a", "b"]
    assert batcher.statistics().commits == commits
    await batcher.close()


async def test_call_that_joins_a_transaction_and_fails_does_not_affect_it(log: Log) -> None:
    held = Append()
    held.hold = Event()
    async with started(log) as batcher:
        first = asyncio.create_task(batcher.submit(held, "first"))
        assert await asyncio.to_thread(held.began.wait, 10)
        joined = [asyncio.create_task(batcher.submit(held, call)) for call in ("bad", "c")]
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        held.hold.set()
        assert kinds(await asyncio.gather(first, *joined, return_exceptions=True)) == [5, StoreUnavailable, 1]
        await closing
    assert log.committed == ["first", "c"]


async def test_cancelled_caller_does_not_affect_its_batch(log: Log) -> None:
    command = Append()
    async with started(log) as batcher:
        impatient = asyncio.create_task(batcher.submit(command, "a"))
        patient = asyncio.create_task(batcher.submit(command, "bb"))
        await asyncio.sleep(0)
        impatient.cancel()
        assert await patient == 2


async def test_database_that_cannot_be_opened_is_reported_by_start(log: Log) -> None:
    log.failing["connect"] = [StoreUnavailable("cannot be opened")]
    batcher = Batcher(LogDriver(log), Failpoints())
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await batcher.start()


@pytest.mark.parametrize("errors", [[], [StoreUnavailable("cannot be opened")]], ids=["opens", "cannot be opened"])
async def test_cancelled_start_ends_the_writer_thread(log: Log, errors: list[Exception]) -> None:
    before = {*threading.enumerate()}
    log.may_connect = Event()
    log.failing["connect"] = errors
    batcher = Batcher(LogDriver(log), Failpoints())
    starting = asyncio.create_task(batcher.start())
    assert await asyncio.to_thread(log.connecting.wait, 10)
    starting.cancel()
    await asyncio.sleep(0)
    log.may_connect.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not log.connected
    assert not [thread for thread in {*threading.enumerate()} - before if thread.name == "store writer"]
    with pytest.raises(StoreUnavailable, match="closed"):
        await batcher.submit(Append(), "a")
