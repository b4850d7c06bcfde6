"""What viewers can watch: the streams, and who is in the audience of each."""

from casare_rpa.infrastructure.orchestrator.hub.hub import Audience

LIVE_JOBS = "live-jobs"
NUMBERED_LIVE_JOBS = "live-jobs, numbered"
"""The same for those who asked for positions; the others get what contract 1.0 says, and no key more."""
ROBOT_STATUS = "robot-status"
QUEUE_DEPTH = "queue-metrics"


def audience(stream: str, tenant_id: str | None) -> Audience:
    """The viewers of a stream: those of one tenant, or those who see all (`None`)."""
    return (stream, tenant_id)
