"""What a connection has received: given up without a trace when its reader ends."""

import asyncio
import gc

from casare_rpa.infrastructure.orchestrator.hub.session import UNFINISHED
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue


async def test_what_a_reader_that_ended_was_to_await_is_closed_with_all_that_it_was_to_await() -> None:
    ran = False

    async def inner() -> None:
        nonlocal ran
        ran = True

    async def outer(unfinished: object) -> None:
        await unfinished  # type: ignore[misc]

    inbox = TextQueue(asyncio.get_running_loop())
    inbox.take = lambda _text: outer(inner())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_text("one")
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    inbox.put_text("two")
    inbox.leave()
    gc.collect()  # a coroutine that was never awaited warns here, and a warning is an error
    assert not ran
    assert (await inbox.get())["type"] == "websocket.receive"
    assert len(inbox) == 0


async def test_reader_is_handed_what_is_to_be_awaited() -> None:
    async def later() -> None:
        pass

    inbox = TextQueue(asyncio.get_running_loop())
    inbox.take = lambda _text: later()
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_text("one")
    event = await reader
    await event[UNFINISHED]  # type: ignore[typeddict-item]
