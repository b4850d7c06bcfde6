"""An event loop whose time is a number, and processes inside it that can be killed or stopped at any await.

`select` does not wait: it moves the clock to the next timer, so a simulated hour costs what its callbacks cost.
Nothing here touches a socket or a thread, and everything runs in one order, whatever the machine does.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any

CLOSING_ROUNDS = 30


class Stuck(Exception):
    """Nothing is left to happen, and the simulation has not ended."""


class Process:
    """What is lost together: the tasks and timers that were begun inside it.

    `stop` is SIGSTOP: time passes, nothing of it runs. `kill` is SIGKILL: nothing of it ever runs again. Its
    coroutines are closed at the await where they are; what their `finally` does must be fenced by `alive`.
    """

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name = name
        self.alive = True
        self.stopped = False
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.context: Context = copy_context()
        self.context.run(_PROCESS.set, self)
        self._loop = loop
        self._kept: list[asyncio.Handle] = []
        self._kill_after: tuple[int, Callable[[], None]] | None = None

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        return self._loop.create_task(coroutine, name=f"{self.name}: {name}", context=self.context)

    def after_steps(self, steps: int, act: Callable[[], None]) -> None:
        """Do `act` from outside when this many of its callbacks have been queued: between any two awaits."""
        self._kill_after = (steps, act)

    def queued(self, handle: asyncio.Handle) -> None:
        """A callback of this process was put into the loop's queue."""
        if not self.alive:
            handle.cancel()
        elif self.stopped:
            self._keep(handle)
        elif self._kill_after is not None:
            steps, act = self._kill_after
            self._kill_after = (steps - 1, act)
            if steps <= 0:
                self._kill_after = None
                self._loop.call_soon(act, context=Context())

    def _keep(self, handle: asyncio.Handle) -> None:
        self._loop.withdraw(handle)
        self._kept.append(handle)

    def stop(self) -> None:
        if self.alive and not self.stopped:
            self.stopped = True
            for handle in self._loop.handles_of(self):
                self._keep(handle)

    def go_on(self) -> None:
        if self.alive and self.stopped:
            self.stopped = False
            kept, self._kept = self._kept, []
            for handle in kept:
                self._loop.put_back(handle)

    def kill(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._kept.clear()
        for handle in self._loop.handles_of(self):
            handle.cancel()
        for _ in range(CLOSING_ROUNDS):
            for task in list(self.tasks):
                coroutine = task.get_coro()
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(BaseException):  # it waits again in a `finally`: closed once more in the next round
                    copy_context().run(self._close, coroutine)
                if getattr(coroutine, "cr_frame", None) is None:
                    self.tasks.pop(task)
            if not self.tasks:
                return
        raise AssertionError(f"{self.name}: {list(self.tasks)} will not die")

    def _close(self, coroutine: Any) -> None:
        _PROCESS.set(self)
        coroutine.close()


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def current_process() -> Process | None:
    return _PROCESS.get()


class VirtualLoop(asyncio.BaseEventLoop):
    """Private parts of asyncio's own loop are its clock and its selector; both are replaced, nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self._clock_resolution = 1e-6
        self._selector = self
        self.steps = 0
        self.set_task_factory(_make_task)

    # What BaseEventLoop asks of a concrete loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is left to happen")
        if timeout > 0:
            self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        self._queued(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        self._queued(timer)
        return timer

    def _queued(self, handle: asyncio.Handle) -> None:
        self.steps += 1
        process = handle._context.get(_PROCESS)
        if process is not None:
            process.queued(handle)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Ours have nothing to finalize; the one of a killed process must not run again."""
        self._asyncgens.discard(agen)

    # What a Process asks

    def handles_of(self, process: Process) -> list[asyncio.Handle]:
        every = [*self._ready, *sorted(self._scheduled, key=lambda timer: timer._when)]
        return [handle for handle in every if handle._context.get(_PROCESS) is process and not handle._cancelled]

    def withdraw(self, handle: asyncio.Handle) -> None:
        if isinstance(handle, asyncio.TimerHandle):
            self._scheduled = [timer for timer in self._scheduled if timer is not handle]
            heapq.heapify(self._scheduled)
            handle._scheduled = False
        else:
            # In its place stays one that does nothing: this turn of the loop has counted how many it will take.
            nothing = asyncio.Handle(_nothing, (), self)
            nothing.cancel()
            self._ready = deque(nothing if other is handle else other for other in self._ready)

    def put_back(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        if isinstance(handle, asyncio.TimerHandle):
            handle._scheduled = True
            heapq.heappush(self._scheduled, handle)
        else:
            self._ready.append(handle)


def _nothing() -> None:
    """What is left of a callback that was withdrawn."""


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """A task that its process knows."""
    task = asyncio.Task(coroutine, loop=loop, context=context)
    process = context.get(_PROCESS) if context is not None else _PROCESS.get()
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda done: process.tasks.pop(done, None), context=Context())
    return task
