"""The streams that viewers can watch, and the audience of each."""

from casare_rpa.domain.vocabulary import Channel
from casare_rpa.infrastructure.orchestrator.hub.hub import Audience

LIVE_JOBS = "live-jobs"
NUMBERED_LIVE_JOBS = "live-jobs, numbered"
"""The same with positions, for viewers that request them. Other viewers get exactly the keys of contract 1.0."""
ROBOT_STATUS = "robot-status"
QUEUE_DEPTH = "queue-metrics"
JOB_STREAMS = (Channel.JOBS, NUMBERED_LIVE_JOBS, LIVE_JOBS)


def audience(stream: str, tenant_id: str | None) -> Audience:
    """The viewers of a stream: of one tenant, or of all tenants (`None`)."""
    return (stream, tenant_id)
