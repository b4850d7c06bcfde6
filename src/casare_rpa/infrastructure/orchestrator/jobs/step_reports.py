"""The steps that robots report for their jobs: written one message at a time, acknowledged once durable."""

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import ProtocolError, StoreUnavailable
from casare_rpa.domain.job_events import UNKNOWN_JOB
from casare_rpa.domain.protocol import MessageId
from casare_rpa.domain.steps import StepReport, report_of
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.ports.steps import StepStore
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection


class StepReports:
    """Takes `job_steps` of robots."""

    def __init__(self, store: StepStore) -> None:
        self._store = store

    def take(self, connection: RobotConnection, message: protocol.JobSteps, message_id: MessageId | None) -> Unfinished:
        """Write the steps; returns an awaitable to finish before the robot's next message is read.

        The wait limits a robot to one message of steps at a time. A report that was sent before takes effect before.

        Raises:
            ProtocolError: a step is not possible. No step of the message is written then.
        """
        try:
            report = report_of(connection.robot_id, message.job_id, message.attempt, message.steps)
        except ProtocolError as error:
            raise error.of_message(message.TYPE, message.job_id) from None
        return self._write(connection, report, message_id)

    async def _write(self, connection: RobotConnection, report: StepReport, message_id: MessageId | None) -> None:
        await connection.answers.drained()
        try:
            known = await self._store.add_steps(report)
        except StoreUnavailable as error:
            connection.session.refuse(error.of_message(protocol.JobSteps.TYPE, report.job_id), message_id)
            return
        if not known:
            unknown = ProtocolError(UNKNOWN_JOB.answer, field=UNKNOWN_JOB.field)
            connection.session.refuse(unknown.of_message(protocol.JobSteps.TYPE, report.job_id), message_id)
        elif message_id is not None:
            connection.session.send(protocol.Ack(id=message_id))
