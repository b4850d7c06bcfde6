"""The bounded queue behind `async for message in client`."""

import asyncio

import pytest

from casare_rpa.domain.protocol import Ping
from casare_rpa.infrastructure.orchestrator.communication.robot.inbox import MessageInbox
from communication.robots import soon


async def test_closed_inbox_still_yields_queued_messages() -> None:
    box = MessageInbox()
    box.put_message(Ping(timestamp="1"))
    box.close()
    assert [message async for message in box] == [Ping(timestamp="1")]


async def test_inbox_waits_for_the_next() -> None:
    box = MessageInbox()
    waiting = asyncio.create_task(anext(box))
    await asyncio.sleep(0)
    box.put_message(Ping(timestamp="1"))
    assert await soon(waiting) == Ping(timestamp="1")


async def test_full_inbox_drops_the_oldest_and_counts_them(caplog: pytest.LogCaptureFixture) -> None:
    box = MessageInbox(capacity=2)
    for number in range(5):
        box.put_message(Ping(timestamp=str(number)))
    box.close()
    assert [message async for message in box] == [Ping(timestamp="3"), Ping(timestamp="4")]
    assert "3 messages" in caplog.text


async def test_dropped_messages_are_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    box = MessageInbox(capacity=1)
    for number in range(2):
        box.put_message(Ping(timestamp=str(number)))
    await soon(anext(box))
    caplog.clear()
    box.put_message(Ping(timestamp="2"))
    assert await soon(anext(box)) == Ping(timestamp="2")
    assert not caplog.records
