"""Sessions of robots with instances of the server: which one is the newest, and what the others may not write."""

import asyncio

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.job import Phase
from casare_rpa.domain.job_events import NotHeld, RobotReturned, SocketLost, Step
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, LostSession, RunningInstance
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import a_job, a_robot, a_slot, add, at, running, tell

ROBOT, SESSION = "robot-1", "ses-robot-1"
"""The session of `a_slot` and `running`."""


async def connect(store: Store, session_id: str, instance: str = "a", seconds: float = 0) -> BegunSession:
    return await store.connect(Connecting(ROBOT, session_id, instance, at(seconds)))


async def held(store: Store) -> tuple[float | None, float | None]:
    """The lease, and the time of the lost contact, of the one job of the robot."""
    (job,) = await store.held_jobs(ROBOT)
    return job.lease_expires_at, job.contact_lost_at


async def test_sessions_of_a_robot_are_counted(store: Store) -> None:
    assert await connect(store, "s-1") == BegunSession(1)
    assert await connect(store, "s-2", "b") == BegunSession(2, moved=True)
    await store.leave([(ROBOT, "s-2")])
    assert await connect(store, "s-3") == BegunSession(3)


async def test_sessions_that_begin_at_a_time_are_counted_once_each(store: Store) -> None:
    begun = await asyncio.gather(*(connect(store, f"s-{number}") for number in range(1, 4)))
    assert sorted(one.number for one in begun) == [1, 2, 3]


async def test_session_that_may_replace_no_other_finds_the_robot_occupied(store: Store) -> None:
    async def connect_if_free(session_id: str, instance: str) -> BegunSession:
        return await store.connect(Connecting(ROBOT, session_id, instance, at(0), only_if_free=True))

    assert await connect_if_free("s-1", "a") == BegunSession(1)
    for instance in ("a", "b"):
        assert await connect_if_free("s-2", instance) == BegunSession(1, occupied=True)
    assert await store.beat([Beat(ROBOT, at(1), True, session_id="s-1")]) == [], "the connected one stays"
    await store.leave([(ROBOT, "s-1")])
    assert await connect_if_free("s-2", "b") == BegunSession(2)


async def test_sessions_that_may_replace_no_other_begin_one_at_a_time(store: Store) -> None:
    await store.hear("a", at(0))
    await store.hear("b", at(0))
    wanted = [Connecting(ROBOT, f"s-{number}", "ab"[number % 2], at(0), only_if_free=True) for number in range(6)]
    begun = await asyncio.gather(*map(store.connect, wanted))
    assert sorted(begun, key=lambda one: one.occupied) == [BegunSession(1), *[BegunSession(1, occupied=True)] * 5]


async def test_takeovers_are_counted_over_all_instances(store: Store) -> None:
    await store.hear("a", at(0))
    await store.hear("b", at(0))
    for number in range(5):
        assert not (await connect(store, f"s-{number}", "ab"[number % 2], number)).refused
    assert await connect(store, "s-5", "b", 5) == BegunSession(5, refused=True)
    assert await store.beat([Beat(ROBOT, at(6), True, session_id="s-4")]) == [], "the connected one stays"


async def test_session_of_a_dead_instance_is_not_taken_over(store: Store) -> None:
    for number in range(8):
        begun = await connect(store, f"s-{number}", f"instance-{number}", number)
        assert not begun.refused
        await store.depart(f"instance-{number}")


async def test_only_the_newest_session_renews_leases(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await running(store)
    lease, _ = await held(store)
    await connect(store, SESSION)
    await connect(store, "s-2", "b")
    beat = Beat(ROBOT, at(50), True, (), RobotStatus.BUSY, 1.0, 2.0, at(50), session_id=SESSION)
    assert await store.beat([beat]) == [LostSession(ROBOT, SESSION, moved=True)]
    assert (await held(store))[0] == lease
    (stored,) = await store.last_heartbeats()
    assert stored.last_seen_at is None, "nothing is written about it"
    assert await store.beat([Beat(ROBOT, at(51), True, session_id="s-2")]) == []
    assert (await held(store))[0] == at(141)


async def test_frames_from_before_a_loss_of_contact_do_not_regain_it(store: Store) -> None:
    """The write of the heartbeat is committed after the end of the connection."""
    job = await running(store)
    await tell(store, job.job_id, SocketLost(SESSION), 50)
    await store.beat([Beat(ROBOT, at(49), True)])
    assert (await held(store))[1] == at(50)
    await store.beat([Beat(ROBOT, at(49), False, ((job.job_id, 1),))])
    assert (await held(store))[1] == at(50)
    await store.beat([Beat(ROBOT, at(50), True)])
    assert (await held(store))[1] is None


async def test_session_that_was_ended_by_another_instance_did_not_move(store: Store) -> None:
    await connect(store, SESSION)
    await store.leave([(ROBOT, SESSION)])
    assert await store.beat([Beat(ROBOT, at(50), True, session_id=SESSION)]) == [
        LostSession(ROBOT, SESSION, moved=False)
    ]


async def test_older_session_does_not_end_the_newest_one(store: Store) -> None:
    await connect(store, "s-1")
    await connect(store, "s-2", "b")
    await store.leave([(ROBOT, "s-1")])
    assert await store.beat([Beat(ROBOT, at(50), True, session_id="s-2")]) == []


async def test_only_the_newest_session_gets_jobs(store: Store) -> None:
    job = a_job()
    await add(store, job)
    await connect(store, SESSION)
    await connect(store, "s-2", "b")
    assert await store.claim(Slots([a_slot()]), at(1)) == []
    (offered,) = await store.claim(Slots([a_slot(), a_slot("robot-2")]), at(1))
    assert offered.robot_id == "robot-2", "the job goes to another robot"
    await store.leave([(ROBOT, "s-2")])
    assert await store.claim(Slots([a_slot()]), at(1)) == []


# Leases


async def lease_over(store: Store, instance: str) -> bool:
    return "lease_over" in [name for _, name in await store.due(at(1000), 10, instance)]


async def test_lease_of_a_connected_robot_is_judged_by_its_instance(store: Store) -> None:
    await running(store)
    await connect(store, SESSION)
    assert (await lease_over(store, "a"), await lease_over(store, "b")) == (True, False)


async def test_lease_of_a_disconnected_robot_is_judged_by_any_instance(store: Store) -> None:
    await running(store)
    await connect(store, SESSION)
    await store.leave([(ROBOT, SESSION)])
    assert (await lease_over(store, "a"), await lease_over(store, "b")) == (True, True)


@pytest.mark.parametrize(("claim_ack", "judged"), [(False, False), (True, True)])
async def test_offer_that_a_robot_may_have_started_is_judged_by_its_instance(
    store: Store, claim_ack: bool, judged: bool
) -> None:
    await add(store, a_job())
    await store.claim(Slots([a_slot(claim_ack=claim_ack)]), at(1))
    await connect(store, SESSION)
    assert bool(await store.due(at(1000), 10, "b")) is judged
    assert await store.due(at(1000), 10, "a")


async def test_instance_extends_the_leases_that_it_judges(store: Store) -> None:
    await running(store)
    await connect(store, SESSION)
    assert await store.extend_leases(at(500), "b") == 0
    assert await store.extend_leases(at(500), "a") == 1
    assert (await held(store))[0] == at(500)
    await store.leave([(ROBOT, SESSION)])
    assert await store.extend_leases(at(600), "b") == 1, "it could not connect while the store was away"
    assert (await held(store))[0] == at(600)


# Instances


async def test_running_instances_are_known_to_each_other(store: Store) -> None:
    assert await store.hear("a", at(0)) == [RunningInstance("a", at(0))]
    assert await store.hear("b", at(1)) == [RunningInstance("a", at(0)), RunningInstance("b", at(1))]
    assert (await store.hear("a", at(2)))[0] == RunningInstance("a", at(2))
    await store.depart("a")
    assert await store.hear("b", at(3)) == [RunningInstance("b", at(3))]


async def test_facts_of_an_instance_are_those_of_its_last_round(store: Store) -> None:
    first, second = InstanceFacts(name="north", robots=1), InstanceFacts(name="north", robots=2, draining=True)
    assert await store.hear("a", at(1), first) == [RunningInstance("a", at(1), first)]
    await store.hear("a", at(2), second)
    await store.hear("a", at(1), first)
    assert await store.running() == [RunningInstance("a", at(2), second)], "a late write changes nothing"
    await store.hear("b", at(3))
    await store.connect(Connecting(ROBOT, "s-1", "a", at(4)))
    assert await store.running() == [RunningInstance("a", at(4), second), RunningInstance("b", at(3))]


async def test_name_of_an_instance_is_held(store: Store) -> None:
    assert await store.hold_name("north")


async def test_robots_of_a_dead_instance_lose_contact_and_their_leases_are_extended_once(store: Store) -> None:
    job = await running(store)
    await store.hear("a", at(100))
    await store.hear("b", at(200))
    await connect(store, SESSION)
    assert await store.adopt([RunningInstance("a", at(99))], at(200), at(290)) == [], "it wrote since"
    dead = [RunningInstance("a", at(100))]
    (applied,) = await store.adopt(dead, at(200), at(290))
    assert applied.before is not None
    assert applied.before.job_id == job.job_id
    assert await held(store) == (at(290), at(200))
    assert await store.adopt(dead, at(201), at(291)) == []
    assert await store.hear("b", at(202)) == [RunningInstance("b", at(202))], "the dead one is removed"
    beat = Beat(ROBOT, at(201), True, session_id=SESSION)
    assert await store.beat([beat]) == [LostSession(ROBOT, SESSION, moved=False)], "it may wake up"


async def test_robots_of_an_instance_that_departed_are_adopted(store: Store) -> None:
    await running(store)
    await store.hear("a", at(100))
    await connect(store, SESSION)
    await store.depart("a")
    await store.hear("b", at(101))
    assert len(await store.adopt([], at(101), at(191))) == 1


async def test_robot_that_moved_on_is_not_adopted(store: Store) -> None:
    job = await running(store)
    await store.hear("b", at(100))
    await connect(store, SESSION, "a")
    await connect(store, "s-2", "b")
    await tell(store, job.job_id, RobotReturned(ROBOT, "s-2", None))
    assert await store.adopt([RunningInstance("a", at(0))], at(101), at(191)) == []
    assert (await held(store))[1] is None


async def test_held_offer_of_a_dead_instance_gets_the_window(store: Store) -> None:
    await add(store, a_job())
    await store.claim(Slots([a_slot()]), at(1))
    await connect(store, SESSION, "a")
    await store.adopt([RunningInstance("a", at(0))], at(20), at(600))
    (job,) = await store.held_jobs(ROBOT)
    assert (job.phase, job.offer_expires_at, job.contact_lost_at) == (Phase.OFFER, at(600), at(20))


async def test_adoption_looks_at_every_dead_instance(store: Store) -> None:
    await store.hear("c", at(100))
    for number in range(1, 5):
        wanted = Connecting(f"robot-{number}", f"s-{number}", "abcd"[number - 1], at(50))
        await store.connect(wanted)
    await store.adopt([RunningInstance(name, at(50)) for name in "abcd"], at(101), at(191))
    beats = [Beat(f"robot-{number}", at(102), True, session_id=f"s-{number}") for number in range(1, 5)]
    assert [one.robot_id for one in await store.beat(beats)] == ["robot-1", "robot-2", "robot-4"]


# Writes of a session


async def test_older_session_gives_up_no_job(store: Store) -> None:
    """Its `hello` waited while the robot connected elsewhere and got this job there."""
    await connect(store, "s-1", "a")
    await connect(store, SESSION, "b")
    job = await running(store)
    given_up = Change(job.job_id, NotHeld(ROBOT, "s-1", 0.5, None), at(20))
    assert await store.apply([given_up], session=(ROBOT, "s-1")) == []
    assert (await store.held_jobs(ROBOT))[0].attempt == job.attempt
    (applied,) = await store.apply([given_up], session=(ROBOT, SESSION))
    assert isinstance(applied.answer, Step)


async def test_older_session_changes_no_profile_and_no_journal(store: Store) -> None:
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await connect(store, "s-1", "a")
    await connect(store, "s-2", "b")
    await store.introduce(ROBOT, "process-2", "s-2")
    await store.list_workflows(ROBOT, ("invoices",), "s-2")
    await store.open_journal(ROBOT, "journal-2", "s-2")
    first = LogLine("default", ROBOT, Level.INFO, "line", at(1), at(1), seq=1)
    assert await store.append_logs([first]) != [None]
    await store.introduce(ROBOT, "process-1", "s-1")
    await store.list_workflows(ROBOT, None, "s-1")
    await store.open_journal(ROBOT, "journal-1", "s-1")
    stored = await store.robot(ROBOT)
    assert stored is not None
    assert (stored.instance_id, stored.workflows) == ("process-2", ("invoices",))
    assert await store.append_logs([first]) == [None], "it is a line of the journal that is stored"


async def test_instance_that_accepts_a_robot_runs(store: Store) -> None:
    """It may have counted as dead before, because it stood still."""
    await store.hear("a", at(50))
    await store.hear("b", at(100))
    await connect(store, SESSION, "a", 101)
    assert await store.adopt([RunningInstance("a", at(50))], at(102), at(192)) == []
    assert await store.beat([Beat(ROBOT, at(103), True, session_id=SESSION)]) == []
