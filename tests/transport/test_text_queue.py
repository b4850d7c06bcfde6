"""The queue of received texts, also with unfinished work when its reader ends."""

import asyncio
import gc

from casare_rpa.infrastructure.orchestrator.ports.sockets import UNFINISHED
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue


async def test_awaitables_of_an_ended_reader_are_closed() -> None:
    ran = False

    async def inner() -> None:
        nonlocal ran
        ran = True

    async def outer(unfinished: object) -> None:
        await unfinished  # type: ignore[misc]

    texts = TextQueue(asyncio.get_running_loop())
    texts.handler = lambda _text: outer(inner())
    reader = asyncio.create_task(texts.get())
    await asyncio.sleep(0)
    texts.put_text("one", at_once=True)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    texts.put_text("two", at_once=True)
    texts.remove_handler()
    gc.collect()  # a coroutine that was never awaited causes a warning here, which is an error
    assert not ran
    assert (await texts.get())["type"] == "websocket.receive"
    assert len(texts) == 0


async def test_reader_gets_the_awaitables_of_the_handler() -> None:
    async def later() -> None:
        pass

    texts = TextQueue(asyncio.get_running_loop())
    texts.handler = lambda _text: later()
    reader = asyncio.create_task(texts.get())
    await asyncio.sleep(0)
    texts.put_text("one", at_once=True)
    event = await reader
    await event[UNFINISHED]  # type: ignore[typeddict-item]


async def test_text_that_must_wait_is_queued_also_while_its_reader_waits() -> None:
    taken: list[str] = []
    texts = TextQueue(asyncio.get_running_loop())
    texts.handler = taken.append
    reader = asyncio.create_task(texts.get())
    await asyncio.sleep(0)
    assert not texts.put_text("short", at_once=True)
    assert texts.put_text("long", at_once=False)
    assert texts.put_text("behind it", at_once=True)
    assert await reader == {"type": "websocket.receive", "text": "long"}
    assert taken == ["short"]
