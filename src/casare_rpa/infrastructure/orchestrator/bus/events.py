"""The events of one instance and the bus that delivers them. `ports/bus.py` is the bus between instances.

An event is a hint about a committed fact. It may be lost, repeated or late: every receiver keeps state that the store
can correct, and compares it with the store within seconds (see `robots/resync.py` and `views/job_stream.py`).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import CancelOrder, Step, Transition
from casare_rpa.domain.job_records import Applied, ChangeNumbers
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore

logger = logging.getLogger(__name__)

_PROGRESSED = Transition.PROGRESSED


class AddedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that was added, and the numbers of this change."""

    job: Job
    numbers: ChangeNumbers


class JobsAdded(msgspec.Struct, frozen=True, gc=False):
    """New jobs are committed (T1), in the order of their numbers."""

    added: Sequence[AddedJob]


class SubmitBegun(msgspec.Struct, frozen=True, gc=False):
    """New jobs are being written. A claim that begins now may be committed with them."""


class JobsOffered(msgspec.Struct, frozen=True, gc=False):
    """Pending jobs are offered to robots (T2). Their status stays `pending`."""

    jobs: Sequence[Job]


class JobChange(msgspec.Struct, frozen=True, gc=False):
    """One change of a job: the job before, and after."""

    before: Job
    job: Job
    transition: Transition
    numbers: ChangeNumbers


class JobsChanged(msgspec.Struct, frozen=True, gc=False):
    """Changes of jobs that this instance committed together, except T1, T2 and progress, in the order of their numbers.

    Metrics count these changes.
    """

    changes: Sequence[JobChange]


class JobsProgressed(msgspec.Struct, frozen=True, gc=False):
    """Jobs of which only progress or message changed (T9), in the order of their commits."""

    jobs: Sequence[Job]
    after: int
    """The number of the last change that viewers see before them."""


class CancelOrdered(msgspec.Struct, frozen=True, gc=False):
    """A robot must be sent `job_cancel`; the instance that holds its session sends it."""

    order: CancelOrder


class QueueChanged(msgspec.Struct, frozen=True, gc=False):
    """A queue was paused or resumed."""


class RobotChanged(msgspec.Struct, frozen=True, gc=False):
    """The status, the current job or the figures of a robot changed."""

    robot_id: str


class RobotStored(msgspec.Struct, frozen=True, gc=False):
    """This instance changed the stored row of a robot."""

    robot_id: str


class LinesStored(msgspec.Struct, frozen=True, gc=False):
    """This instance stored log lines, the last one with this id."""

    last: int


class OrdersGiven(msgspec.Struct, frozen=True, gc=False):
    """This instance committed an order that another instance may have to carry out."""


class InstanceEnded(msgspec.Struct, frozen=True, gc=False):
    """Another instance ended, or its sessions were ended because it is dead."""


class WorkAvailable(msgspec.Struct, frozen=True, gc=False):
    """A robot may be free for a job. The dispatcher also polls."""


Event = (
    JobsAdded
    | SubmitBegun
    | JobsOffered
    | JobsChanged
    | JobsProgressed
    | CancelOrdered
    | QueueChanged
    | RobotChanged
    | RobotStored
    | LinesStored
    | OrdersGiven
    | InstanceEnded
    | WorkAvailable
    | Hint
)
"""A `Hint` is from another instance. Changes of other instances are not published as the other events, which are about
the commits of this instance."""

E = TypeVar("E", bound=Event)


class EventBus:
    """Delivers events inside one process: at once, on the caller's stack.

    Receivers are isolated. If one raises, the error is logged with the event; the others and the publisher continue.
    Receivers must not depend on their order: `tests/orchestrator/test_events.py` and the simulation shuffle it.
    """

    def __init__(self) -> None:
        self._receivers: dict[type, list[Callable[[Any], None]]] = {}

    def subscribe(self, receive: Callable[[E], None]) -> None:
        """Call `receive` with each event of the kinds that its one parameter is annotated with. It must not block."""
        for kind in _kinds(receive):
            self._receivers.setdefault(kind, []).append(receive)

    def publish(self, event: Event) -> None:
        """Deliver an event to every receiver of its kind. Errors of receivers are not raised."""
        for receive in self._receivers.get(type(event), ()):
            try:
                receive(event)
            except Exception:  # the edge of a receiver: the publisher and the other receivers must continue
                logger.exception("event %s: %s failed", _label(event), getattr(receive, "__qualname__", receive))


def publish_applied(bus: EventBus, applied: Sequence[Applied]) -> None:
    """Publish committed changes, progress and orders to robots, in the order of the commits."""
    progressed: list[Job] = []
    changes: list[JobChange] = []
    after = 0
    for one in applied:
        answer, before, numbers = one.answer, one.before, one.numbers
        if isinstance(answer, Step) and before is not None and numbers is not None:
            if answer.number is _PROGRESSED and numbers.tenant_seq is None:
                if changes:  # they were committed before the progress
                    bus.publish(JobsChanged(changes))
                    changes = []
                progressed.append(answer.job)
                after = numbers.seq
            else:
                if progressed:
                    bus.publish(JobsProgressed(progressed, after))
                    progressed = []
                changes.append(JobChange(before, answer.job, answer.number, numbers))
        if answer.order is not None:
            if changes:
                bus.publish(JobsChanged(changes))
                changes = []
            bus.publish(CancelOrdered(answer.order))
    if changes:
        bus.publish(JobsChanged(changes))
    if progressed:
        bus.publish(JobsProgressed(progressed, after))


async def all_published(store: MaintenanceStore) -> None:
    """Wait until every commit that an earlier read may have seen is published.

    The store answers in the order of commits, also after a failed commit, and a publisher publishes immediately after
    its answer.
    """
    with suppress(StoreUnavailable):
        await store.check()


def _kinds(receive: Callable[[E], None]) -> tuple[type, ...]:
    hints = get_type_hints(receive)
    hints.pop("return", None)
    (kinds,) = hints.values()
    return get_args(kinds) or (kinds,)


def _label(event: Event) -> str:
    """The kind of an event and the ids it is about. A job's parameters and result never reach the log."""
    name = type(event).__name__
    match event:
        case JobsAdded(added):
            return f"{name} {', '.join(one.job.job_id for one in added[:5])}"
        case JobsChanged(changes):
            return f"{name} {', '.join(f'{one.transition} {one.job.job_id}' for one in changes[:5])}"
        case JobsOffered(jobs) | JobsProgressed(jobs):
            return f"{name} {', '.join(job.job_id for job in jobs[:5])}"
        case CancelOrdered(order):
            return f"{name} {order.job_id} {order.robot_id}"
        case RobotChanged(robot_id) | RobotStored(robot_id):
            return f"{name} {robot_id}"
    return name
