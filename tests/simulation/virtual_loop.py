"""An event loop with virtual time, and processes in it that can be killed or stopped at any await.

It does not wait but moves the clock to the next timer, so a simulated hour costs only the time of its callbacks.
There are no sockets and no threads, so the order of all callbacks is the same on every machine.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any

CLOSING_ROUNDS = 30
MANY_CANCELLED = 100


class Stuck(Exception):
    """No callback and no timer is left, but the simulation has not ended."""


class Process:
    """A simulated process: the tasks and timers that were created in it.

    `stop` is SIGSTOP: time passes, and none of them runs. `kill` is SIGKILL: none of them runs again. Its coroutines
    are closed at their current await; effects of their `finally` blocks must check `alive`.
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
        """Call `act` from outside after this many of its callbacks were queued, which may be between any two awaits."""
        self._kill_after = (steps, act)

    def queued(self, handle: asyncio.Handle) -> None:
        """Called for each callback of this process that is queued in the loop."""
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
                with suppress(BaseException):  # it awaits again in a `finally`; the next round closes it again
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
    """asyncio's own loop with a replaced clock, and turns that do not wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self._clock_resolution = 1e-6
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        """(instant, number, timer): timers of one instant are called in their order. A heap of tuples is fast."""
        self._numbers = 0
        self.steps = 0
        self.set_task_factory(_make_task)

    # The methods that BaseEventLoop requires

    def _run_once(self) -> None:
        """One turn: move the clock to the next timer if nothing is ready, and run the ready callbacks."""
        timers, ready = self._timers, self._ready
        if self._timer_cancelled_count > MANY_CANCELLED and self._timer_cancelled_count > len(timers) / 2:
            self._timer_cancelled_count = 0
            timers[:] = [entry for entry in timers if not entry[2]._cancelled]
            heapq.heapify(timers)
        while timers and timers[0][2]._cancelled:
            self._pop_timer()
        if not ready and not self._stopping:
            if not timers:
                raise Stuck("nothing is left to happen")
            self._now = max(self._now, timers[0][0])
        end = self._now + self._clock_resolution
        while timers and timers[0][0] < end:
            timer = self._pop_timer()
            if not timer._cancelled:
                ready.append(timer)
        for _ in range(len(ready)):
            handle = self._ready.popleft()  # `withdraw` replaces the queue
            if not handle._cancelled:
                handle._run()

    def _pop_timer(self) -> asyncio.TimerHandle:
        timer = heapq.heappop(self._timers)[2]
        timer._scheduled = False
        self._timer_cancelled_count -= timer._cancelled
        return timer

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._queued(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._schedule(timer)
        self._queued(timer)
        return timer

    def _schedule(self, timer: asyncio.TimerHandle) -> None:
        self._numbers += 1
        heapq.heappush(self._timers, (timer._when, self._numbers, timer))
        timer._scheduled = True

    def _queued(self, handle: asyncio.Handle) -> None:
        self.steps += 1
        process = handle._context.get(_PROCESS)
        if process is not None:
            process.queued(handle)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Does not finalize: the generators here need none, and one of a killed process must not run again."""
        self._asyncgens.discard(agen)

    # The methods for Process

    def handles_of(self, process: Process) -> list[asyncio.Handle]:
        every = [*self._ready, *(timer for _, _, timer in sorted(self._timers))]
        return [handle for handle in every if handle._context.get(_PROCESS) is process and not handle._cancelled]

    def withdraw(self, handle: asyncio.Handle) -> None:
        if isinstance(handle, asyncio.TimerHandle) and handle._scheduled:
            self._timers = [entry for entry in self._timers if entry[2] is not handle]
            heapq.heapify(self._timers)
            handle._scheduled = False
        else:
            # Replaced by one that does nothing, because the loop has already counted the callbacks of this turn.
            nothing = asyncio.Handle(_nothing, (), self)
            nothing.cancel()
            self._ready = deque(nothing if other is handle else other for other in self._ready)

    def put_back(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        if isinstance(handle, asyncio.TimerHandle):
            self._schedule(handle)
        else:
            self._ready.append(handle)


def _nothing() -> None:
    """Replaces a withdrawn callback."""


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """A task that is registered with its process."""
    task = asyncio.Task(coroutine, loop=loop, context=context)
    process = context.get(_PROCESS) if context is not None else _PROCESS.get()
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda done: process.tasks.pop(done, None), context=Context())
    return task
