"""Two processes with the identity of one robot are detected, whether they send `hello` or not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.audit import AuditEntry
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.protocol import Hello
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.robots.identity_watch import RECORDED_SECONDS, SILENT_SECONDS
from casare_rpa.infrastructure.orchestrator.views.attention import Attention, AttentionList
from orchestrator.slices import ROBOT, Instance, hello, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


async def takes_over(plane: Instance, greeting: Hello | None, *, address: str = "10.0.0.1") -> None:
    """A process connects as the robot; without a greeting the server waits for one until it is overdue."""
    _, link = await plane.robot(address=address)
    if greeting is not None:
        await plane.presence.introduce(link, greeting)
    await plane.presence.welcome_next()
    plane.clock.advance(SILENT_SECONDS)
    await plane.presence.close_silent()


async def works(plane: Instance, greeting: Hello | None) -> None:
    """The robot connects from 10.0.0.1 and runs a job."""
    _, link = await plane.robot(address="10.0.0.1")
    if greeting is not None:
        await plane.presence.introduce(link, greeting)
    await plane.presence.welcome_next()
    job = await plane.job(max_attempts=3)
    await plane.dispatch()
    await plane.report(link, job, "running")


async def audited(plane: Instance) -> list[AuditEntry]:
    return await plane.store.audit(None, ("duplicate_identity", "robot_taken_over"), 10, None)


async def shown(plane: Instance, tenant_id: str | None = None) -> list[Attention]:
    return await AttentionList(plane.store, plane.fleet, plane.pending_reasons, plane.clock).attention(tenant_id)


def process(number: int) -> Hello:
    return hello(f"process-{number}", journal=f"journal-{number}")


@pytest.mark.parametrize(
    ("one", "other"),
    [(None, None), (process(1), None), (process(1), process(2))],
    ids=["both silent", "one silent", "both introduced"],
)
async def test_processes_that_replace_each_other_end_with_the_connected_one(
    plane: Instance, one: Hello | None, other: Hello | None
) -> None:
    for greeting in (one, other, one, other, one):
        await takes_over(plane, greeting)
    for _ in range(3):
        with pytest.raises(AuthError, match="duplicate identity") as refused:
            await plane.robot(address="10.0.0.2")
    assert refused.value.close_code is CloseCode.FORBIDDEN
    (entry,) = [entry for entry in await audited(plane) if entry.action == "duplicate_identity"]
    assert (entry.by, entry.target) == ("server", ROBOT)
    assert "10.0.0.1" in entry.note
    assert "10.0.0.2" in entry.note
    assert ("duplicate_identity", ROBOT) in [(one.kind, one.target) for one in await shown(plane)]
    plane.clock.advance(61)
    await plane.robot()


async def test_process_that_reconnects_often_is_not_refused(plane: Instance) -> None:
    for _ in range(10):
        await takes_over(plane, process(1))
    assert await audited(plane) == []


@pytest.mark.parametrize(
    ("greeting", "address"),
    [(process(2), "10.0.0.1"), (hello("process-2"), "10.0.0.1"), (None, "10.0.0.1")],
    ids=["another journal", "no journal", "no hello"],
)
async def test_first_takeover_of_a_working_robot_raises_an_alarm(
    plane: Instance, greeting: Hello | None, address: str
) -> None:
    await works(plane, process(1))
    await takes_over(plane, greeting, address=address)
    (entry,) = await audited(plane)
    assert (entry.by, entry.action, entry.target) == ("server", "robot_taken_over", ROBOT)
    assert [(one.kind, one.target) for one in await shown(plane)] == [("robot_taken_over", ROBOT)]
    assert [one.target for one in await shown(plane, "default")] == [ROBOT]
    assert await shown(plane, "another-tenant") == []


async def test_takeover_of_a_working_robot_without_hello_is_known_by_its_address(plane: Instance) -> None:
    await works(plane, None)
    await takes_over(plane, None, address="10.0.0.1")
    assert await audited(plane) == [], "it may have reconnected before its earlier connection ended"
    await takes_over(plane, None, address="10.0.0.2")
    assert [entry.action for entry in await audited(plane)] == ["robot_taken_over"]


@pytest.mark.parametrize("greeting", [process(1), hello("process-2", journal="journal-1")])
async def test_robot_that_reconnects_or_restarts_raises_no_alarm(plane: Instance, greeting: Hello) -> None:
    await works(plane, process(1))
    await takes_over(plane, greeting, address="10.0.0.9")
    assert await audited(plane) == []


async def test_takeover_without_hello_of_a_robot_that_sent_one_raises_an_alarm_though_it_is_idle(
    plane: Instance,
) -> None:
    await takes_over(plane, process(1))
    await takes_over(plane, None, address="10.0.0.2")
    assert [entry.action for entry in await audited(plane)] == ["robot_taken_over"]


async def test_takeover_of_an_idle_robot_with_hello_raises_no_alarm(plane: Instance) -> None:
    await takes_over(plane, process(1))
    await takes_over(plane, process(2))
    assert await audited(plane) == []


async def test_hello_that_is_late_is_not_taken_for_another_process(plane: Instance) -> None:
    await works(plane, process(1))
    _, link = await plane.robot()
    await plane.presence.welcome_next()
    plane.clock.advance(SILENT_SECONDS / 2)
    await plane.presence.introduce(link, process(1))
    plane.clock.advance(SILENT_SECONDS)
    await plane.presence.close_silent()
    assert await audited(plane) == []


async def test_repeated_takeover_is_recorded_once_an_hour(plane: Instance) -> None:
    await works(plane, process(1))
    for number in (2, 3):
        await takes_over(plane, process(number))
    assert len(await audited(plane)) == 1
    plane.clock.advance(RECORDED_SECONDS)
    await works(plane, process(4))
    await takes_over(plane, process(5))
    assert len(await audited(plane)) == 2
