"""The messages of the stream of jobs, by what a viewer watches."""

from collections.abc import Callable

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.feed import Position
from casare_rpa.domain.job_messages import VisibleJob, live_message, update_message
from casare_rpa.domain.vocabulary import Channel
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, outgoing
from casare_rpa.infrastructure.orchestrator.views.channels import NUMBERED_LIVE_JOBS

MESSAGES: dict[str, Callable[[VisibleJob, str], protocol.Message]] = {
    Channel.JOBS: update_message,
    NUMBERED_LIVE_JOBS: live_message,
}
"""The function that makes the message of a change, by the stream."""


def begin_message(stream: str, position: Position, *, recovered: bool) -> protocol.Message:
    """The answer to a viewer: the position at which its messages begin."""
    epoch, seq = position.epoch, position.seq
    if stream == NUMBERED_LIVE_JOBS:
        return protocol.LiveSubscribed(recovered=recovered, epoch=epoch, seq=seq)
    return protocol.Subscribed(channel=Channel.JOBS, recovered=recovered, epoch=epoch, seq=seq)


def end_message(stream: str, position: Position) -> protocol.Message:
    """The end mark of a snapshot, and the position after which changes follow."""
    mark = protocol.LiveSnapshotEnd if stream == NUMBERED_LIVE_JOBS else protocol.SnapshotEnd
    return mark(epoch=position.epoch, seq=position.seq)


def replayed_message(epoch: str, seq: int, body: bytes) -> OutboundMessage:
    """A change that a viewer missed."""
    return outgoing(codec.numbered(body, Position(epoch, seq)))
