"""The queue of received texts, and what happens to unfinished work when its reader ends."""

import asyncio
import gc

from casare_rpa.infrastructure.orchestrator.ports.sockets import UNFINISHED
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue


async def test_what_a_reader_that_ended_was_to_await_is_closed_with_all_that_it_was_to_await() -> None:
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
    texts.put_text("one")
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    texts.put_text("two")
    texts.remove_handler()
    gc.collect()  # a coroutine that was never awaited warns here, and a warning is an error
    assert not ran
    assert (await texts.get())["type"] == "websocket.receive"
    assert len(texts) == 0


async def test_reader_is_handed_what_is_to_be_awaited() -> None:
    async def later() -> None:
        pass

    texts = TextQueue(asyncio.get_running_loop())
    texts.handler = lambda _text: later()
    reader = asyncio.create_task(texts.get())
    await asyncio.sleep(0)
    texts.put_text("one")
    event = await reader
    await event[UNFINISHED]  # type: ignore[typeddict-item]
