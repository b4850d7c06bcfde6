"""The steps of an attempt of a job: keywords, tests and other parts of a workflow, with their durations.

Source: docs/reference/websocket-contract.md.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.fields import GivenTime
from casare_rpa.domain.instants import Instant, from_datetime
from casare_rpa.domain.limits import ACCEPTED_TEXTS, MAX_KIND_LENGTH
from casare_rpa.domain.vocabulary import StepStatus

MAX_STORED_STEPS = 10_000
"""The number of steps of an attempt that are stored. Steps with greater ids are counted only."""


class JobStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of a job. `id` numbers the steps of an attempt in the order of start; `parent` is the id around it.

    A later message with the same id changes the step until it has ended.
    """

    id: Annotated[int, Meta(ge=1, le=2**31)]
    parent: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    name: Annotated[str, Meta(max_length=ACCEPTED_TEXTS.node_id)]
    kind: Annotated[str, Meta(max_length=MAX_KIND_LENGTH)] = "step"
    status: StepStatus
    started_at: GivenTime
    ended_at: GivenTime | None = None


class RunStep(msgspec.Struct, frozen=True, gc=False):
    """A step. `step_id` is its number in the attempt, in the order of start; `parent` is that of the step around it.

    `started_at` and `ended_at` are times of the robot's clock.
    """

    step_id: int
    parent: int | None
    name: str
    kind: str
    status: StepStatus
    started_at: Instant
    ended_at: Instant | None


class StepReport(msgspec.Struct, frozen=True, gc=False):
    """The steps of one message. Without an attempt it is about the current one."""

    robot_id: str
    job_id: str
    attempt: int | None
    steps: tuple[RunStep, ...]
    """In the order of their ids, without the ones that are only counted."""
    last_id: int
    """The greatest id of the message; 0 without steps."""


class StepPage(NamedTuple):
    """Stored steps of an attempt by id. `total` also counts the steps that are not stored."""

    steps: list[RunStep]
    total: int
    revision: int
    """Increases with each report. Steps that changed after a revision can be read alone."""


def report_of(robot_id: str, job_id: str, attempt: int | None, given: Sequence[JobStep]) -> StepReport:
    """The report of a message. Of two steps with one id, the later one counts.

    Raises:
        ProtocolError: a step is its own parent, or has an end and the status `running`, or neither.
    """
    steps: dict[int, RunStep] = {}
    for place, one in enumerate(given):
        if one.parent is not None and one.parent >= one.id:
            sentence = f"expected the id of a step that started earlier, which is less than {one.id}"
            raise ProtocolError(sentence, field=f"steps[{place}].parent")
        if (one.ended_at is None) is not (one.status is StepStatus.RUNNING):
            sentence = "expected no time while status is running, and a time otherwise"
            raise ProtocolError(sentence, field=f"steps[{place}].ended_at")
        started_at = from_datetime(one.started_at)
        # The robot's clock can be set back during a step.
        ended_at = None if one.ended_at is None else max(started_at, from_datetime(one.ended_at))
        steps[one.id] = RunStep(one.id, one.parent, one.name, one.kind, one.status, started_at, ended_at)
    stored = tuple(steps[step_id] for step_id in sorted(steps) if step_id <= MAX_STORED_STEPS)
    return StepReport(robot_id, job_id, attempt, stored, max(steps, default=0))
