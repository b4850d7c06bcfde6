"""The hub: groups, one write per viewer and turn, snapshots before deltas, clean-up by identity."""

import pytest

from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import outgoing, text_frame
from casare_rpa.infrastructure.orchestrator.hub.session import FAST_LANE_BYTES
from fake_clock import FakeClock
from hub.fake_peer import FakePeer

JOBS = ("jobs", None)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def joined(hub: Hub, clock: FakeClock, **kwargs: str) -> FakePeer:
    peer = FakePeer(clock, **kwargs)
    await peer.session.accept()
    hub.attach(peer.session)
    return peer


async def test_publish_joins_the_messages_of_a_turn_into_one_write_per_viewer(clock: FakeClock) -> None:
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


async def test_publish_joins_a_turn_of_many_messages_into_few_writes(clock: FakeClock) -> None:
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


async def test_catching_up_sends_the_snapshot_first_then_only_what_is_newer(clock: FakeClock) -> None:
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


async def test_subscribe_does_not_show_what_was_published_before_it(clock: FakeClock) -> None:
    hub = Hub()
    early, late = await joined(hub, clock), await joined(hub, clock)
    hub.subscribe(early.session, JOBS)
    hub.publish(JOBS, outgoing(b"1"))
    hub.subscribe(late.session, JOBS)
    await early.settle()
    assert early.transport.written == [text_frame(b"1")]
    assert late.transport.written == []


async def test_detach_forgets_subscriptions_and_counts(clock: FakeClock) -> None:
    hub = Hub()
    viewer = await joined(hub, clock)
    hub.subscribe(viewer.session, JOBS)
    hub.detach(viewer.session)
    assert not hub.listens(JOBS)
    assert not hub.by_address
    assert not hub.by_principal


async def test_detach_of_an_old_connection_leaves_the_new_one_of_the_same_robot(clock: FakeClock) -> None:
    hub = Hub()
    old, new = await joined(hub, clock, robot_id="r"), await joined(hub, clock, robot_id="r")
    assert hub.attach_robot("r", old.session) is None
    assert hub.attach_robot("r", new.session) is old.session
    hub.detach(old.session)
    assert hub.robot("r") is new.session


async def test_expel_closes_what_a_key_opened_and_tells_why(clock: FakeClock) -> None:
    hub = Hub()
    one, other = await joined(hub, clock, robot_id="a"), await joined(hub, clock, robot_id="b")
    assert hub.expel("key a") == 1
    assert b"AUTH_FAILED" in one.transport.written[0]
    assert one.session.close_code is CloseCode.AUTH_FAILED
    assert not other.session.closing
    await one.session.closed()
