"""The simulated disk: several processes have a store on it, and one may be killed inside a transaction."""

from random import Random

from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.domain.robots import Profile
from casare_rpa.domain.selection import Slot, Slots
from storage.values import a_job, at
from tests.simulation.disk import Access, Disk, open_store
from tests.simulation.virtual_loop import Process, VirtualLoop


def test_processes_share_a_disk_and_survive_the_kill_of_one() -> None:
    loop, disk = VirtualLoop(), Disk()
    processes = [Process(loop, name) for name in ("first", "second")]
    accesses = [Access(disk, Random(seed)) for seed in (1, 2)]
    commits: list[str] = []

    async def act() -> None:
        first, second = [
            await open_store(access, process, process.kill, lambda name=process.name: commits.append(name), slot)
            for slot, (access, process) in enumerate(zip(accesses, processes, strict=True))
        ]
        assert [await store.now() for store in (first, second)] == [None, None]
        disk.clock = lambda: at(loop.time())
        for store in (first, second):
            asked_at = at(loop.time())
            shown = await store.now()
            assert shown is not None
            assert asked_at <= shown <= at(loop.time())
        for number, store in enumerate((first, second, first, second), 1):
            (added,) = await store.add_jobs([JobToAdd(a_job(tenant_id="blue"))])
            assert added is not None
            assert added.numbers is not None
            assert added.numbers.seq == number
        accesses[0].faults.kill_before_commit = 0
        lost = processes[0].start(first.add_jobs([JobToAdd(a_job(tenant_id="blue"))]), "submit")
        slot = Slot("blue-1", "session", Profile("blue", frozenset()), free=9, capacity=9)
        assert len(await second.claim(Slots([slot]), at(1))) == 4
        (added,) = await second.add_jobs([JobToAdd(a_job(tenant_id="blue"))])
        assert added is not None
        assert added.numbers is not None
        assert added.numbers.seq == 5
        assert not lost.done()

    loop.run_until_complete(act())
    loop.close()
    assert not processes[0].alive
    assert commits == ["first", "second", "first", "second", "second", "second"]
    assert disk.connection.execute("SELECT slot, sum(number) FROM tallies GROUP BY slot ORDER BY slot").fetchall() == [
        (0, 2),
        (1, 3),
    ]
