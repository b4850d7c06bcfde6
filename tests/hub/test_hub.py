"""The hub: groups, one write per viewer and turn, snapshots before changes, detaching by identity."""

import asyncio
from dataclasses import replace

import pytest

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import outgoing, text_frame
from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES
from fake_clock import FakeClock
from hub.fake_peer import FakePeer

JOBS, QUEUE = ("jobs", None), ("queue", None)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def joined(hub: Hub, clock: FakeClock, **kwargs: str) -> FakePeer:
    peer = FakePeer(clock, **kwargs)
    await peer.session.accept()
    hub.attach(peer.session)
    return peer


async def test_messages_of_a_turn_are_written_at_once_to_each_viewer(clock: FakeClock) -> None:
    hub = Hub()
    viewers = [await joined(hub, clock) for _ in range(3)]
    for viewer in viewers:
        hub.subscribe(viewer.session, JOBS)
    hub.publish(JOBS, outgoing(b"1"))
    hub.publish(JOBS, outgoing(b"2"))
    await viewers[0].settle()
    for viewer in viewers:
        assert viewer.transport.written == [text_frame(b"1") + text_frame(b"2")]
    assert hub.deliveries == 6


async def test_many_messages_of_a_turn_are_written_in_few_writes(clock: FakeClock) -> None:
    hub = Hub()
    viewer = await joined(hub, clock)
    hub.subscribe(viewer.session, JOBS)
    for _ in range(100):
        hub.publish(JOBS, outgoing(b"x" * 1_000))
    await viewer.settle()
    assert [len(written) <= FAST_LANE_BYTES for written in viewer.transport.written] == [True, True]
    assert b"".join(viewer.transport.written) == text_frame(b"x" * 1_000) * 100


async def test_publish_reaches_only_its_audience(clock: FakeClock) -> None:
    hub = Hub()
    one, other = await joined(hub, clock), await joined(hub, clock)
    hub.subscribe(one.session, ("jobs", "a"))
    hub.subscribe(other.session, ("jobs", "b"))
    hub.publish(("jobs", "a"), outgoing(b"1"))
    await one.settle()
    assert one.transport.written
    assert not other.transport.written
    assert not hub.listens(("jobs", "c"))


async def test_catching_up_sends_the_snapshot_then_only_newer_messages(clock: FakeClock) -> None:
    hub = Hub()
    viewer = await joined(hub, clock)
    hub.subscribe(viewer.session, JOBS, catching_up=True)
    hub.publish(JOBS, outgoing(b"old", subject="job-1", revision=3))
    hub.publish(JOBS, outgoing(b"new", subject="job-1", revision=4))
    await viewer.settle()
    viewer.session.deliver(outgoing(b"snapshot", subject="job-1", revision=3))
    hub.caught_up(viewer.session, JOBS, {"job-1": 3})
    hub.publish(JOBS, outgoing(b"live", subject="job-1", revision=5))
    await viewer.settle()
    assert viewer.transport.written == [text_frame(b"snapshot"), text_frame(b"new"), text_frame(b"live")]


async def test_subscriber_gets_no_message_from_before_its_subscription(clock: FakeClock) -> None:
    hub = Hub()
    early, late = await joined(hub, clock), await joined(hub, clock)
    hub.subscribe(early.session, JOBS)
    hub.publish(JOBS, outgoing(b"1"))
    hub.subscribe(late.session, JOBS)
    await early.settle()
    assert early.transport.written == [text_frame(b"1")]
    assert late.transport.written == []


async def test_detach_removes_subscriptions_and_counts(clock: FakeClock) -> None:
    hub = Hub()
    viewer = await joined(hub, clock)
    hub.subscribe(viewer.session, JOBS)
    hub.detach(viewer.session)
    assert not hub.listens(JOBS)
    assert not hub.by_address
    assert not hub.by_principal


async def test_detach_of_an_old_connection_keeps_the_new_one_of_the_robot(clock: FakeClock) -> None:
    hub = Hub()
    old, new = await joined(hub, clock, robot_id="r"), await joined(hub, clock, robot_id="r")
    assert hub.attach_robot("r", old.session) is None
    assert hub.attach_robot("r", new.session) is old.session
    hub.detach(old.session)
    assert hub.robot("r") is new.session


async def test_expel_closes_the_connections_of_a_key_with_a_reason(clock: FakeClock) -> None:
    hub = Hub()
    one, other = await joined(hub, clock, robot_id="a"), await joined(hub, clock, robot_id="b")
    assert hub.expel_key("key a") == 1
    assert b"AUTH_FAILED" in one.transport.written[0]
    assert one.session.close_code is CloseCode.AUTH_FAILED
    assert not other.session.closing
    await one.session.closed()


async def test_session_is_closed_exactly_when_its_credential_expires(clock: FakeClock) -> None:
    hub = Hub()
    peer = await joined(hub, clock)
    peer.session.principal = replace(peer.session.principal, expires_at=1_000.0)
    hub.note_expiry(peer.session)
    hub.close_expired(999.999)
    assert not peer.session.closing
    hub.close_expired(1_000.0)
    assert peer.session.close_code is CloseCode.AUTH_EXPIRED
    assert b"AUTH_FAILED" in peer.transport.written[0]
    await peer.session.closed()


async def test_renewed_credential_expires_at_its_new_time(clock: FakeClock) -> None:
    hub = Hub()
    peer = await joined(hub, clock)
    for expires_at in (1_000.0, 2_000.0):
        peer.session.principal = replace(peer.session.principal, expires_at=expires_at)
        hub.note_expiry(peer.session)
    hub.close_expired(1_999.999)
    assert not peer.session.closing
    hub.close_expired(2_000.0)
    assert peer.session.close_code is CloseCode.AUTH_EXPIRED
    await peer.session.closed()


# A broadcast to many


def hub_of_short_turns() -> Hub:
    """A hub with two writes in a turn."""
    return Hub(writes_per_turn=2)


async def crowd(hub: Hub, clock: FakeClock) -> list[FakePeer]:
    """Viewers of two audiences, more than one turn can serve."""
    viewers = [await joined(hub, clock) for _ in range(5)]
    for viewer in viewers:
        for audience in (JOBS, QUEUE):
            hub.subscribe(viewer.session, audience)
    return viewers


async def one_turn(hub: Hub, viewers: list[FakePeer]) -> None:
    """Run one turn, so that the broadcast has begun and not ended."""
    await asyncio.sleep(0)
    assert viewers[0].transport.written
    assert not viewers[-1].transport.written


def got(viewer: FakePeer) -> bytes:
    return b"".join(viewer.transport.written)


async def test_long_broadcast_yields_to_other_tasks(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    when_others_had_it: list[int] = []
    hub.publish(JOBS, outgoing(b"1"))
    asyncio.get_running_loop().call_soon(lambda: when_others_had_it.append(sum(map(bool, map(got, viewers)))))
    await viewers[0].settle()
    assert when_others_had_it == [2]
    assert [got(viewer) for viewer in viewers] == [text_frame(b"1")] * 5


async def test_message_published_during_a_broadcast_follows_it_in_every_audience(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    hub.publish(JOBS, outgoing(b"job 1"))
    hub.publish(QUEUE, outgoing(b"queue 1"))
    await one_turn(hub, viewers)
    hub.publish(JOBS, outgoing(b"job 2"))
    hub.publish(QUEUE, outgoing(b"queue 2"))
    await viewers[0].settle()
    in_order = b"".join(map(text_frame, (b"job 1", b"queue 1", b"job 2", b"queue 2")))
    assert [got(viewer) for viewer in viewers] == [in_order] * 5
    assert hub.deliveries == 20


async def test_flush_sends_the_rest_of_a_broadcast_at_once(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    hub.publish(JOBS, outgoing(b"1"))
    await one_turn(hub, viewers)
    hub.publish(JOBS, outgoing(b"2"))
    hub.flush()
    expected = [text_frame(b"1") + text_frame(b"2")] * 5
    assert [got(viewer) for viewer in viewers] == expected
    await viewers[0].settle()
    assert [got(viewer) for viewer in viewers] == expected, "no message is sent twice"


async def test_subscriber_does_not_get_the_rest_of_a_broadcast(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    late = await joined(hub, clock)
    for audience in (JOBS, QUEUE):
        hub.publish(audience, outgoing(b"1"))
    await one_turn(hub, viewers)
    for audience in (JOBS, QUEUE):
        hub.subscribe(late.session, audience)
    hub.publish(QUEUE, outgoing(b"2"))
    await late.settle()
    assert got(late) == text_frame(b"2")
    assert [got(viewer) for viewer in viewers] == [text_frame(b"1") * 2 + text_frame(b"2")] * 5


async def test_failing_transport_ends_only_its_own_session(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    broken = viewers.pop(1)

    def fail(_data: bytes) -> None:
        raise RuntimeError("unable to perform operation on a transport that is closed")

    broken.transport.write = fail  # type: ignore[method-assign]
    for text in (b"1", b"2"):
        hub.publish(JOBS, outgoing(text))
        await viewers[0].settle()
    assert [got(viewer) for viewer in viewers] == [text_frame(b"1") + text_frame(b"2")] * 4
    await broken.session.closed()
    assert broken.close_codes == [CloseCode.SLOW_CONSUMER]
    assert broken.texts == []
    assert not any(viewer.session.closing for viewer in viewers)


async def test_failed_broadcast_does_not_stop_later_messages(clock: FakeClock) -> None:
    hub = hub_of_short_turns()
    viewers = await crowd(hub, clock)
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
    hub.publish(JOBS, outgoing(b"1"))
    await one_turn(hub, viewers)
    hub.publish(JOBS, outgoing(b"2"))
    viewers[2].transport.write_error = MemoryError()
    await asyncio.sleep(0)
    viewers[2].transport.write_error = None
    assert [type(failure) for failure in failures] == [MemoryError]
    await viewers[0].settle()
    assert got(viewers[0]) == text_frame(b"1") + text_frame(b"2")
    assert got(viewers[-1]) == text_frame(b"2")
