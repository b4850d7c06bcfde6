"""The idempotency of submits."""

import hashlib

from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.infrastructure.orchestrator.jobs.submissions import body_digest


def test_digest_is_that_of_earlier_versions() -> None:
    """The store keeps digests: a submit that is repeated after an upgrade must have the digest of the first."""
    text = (
        "NewSubmission(workflow_id='w', tenant_id='t', by='', parameters='{}', priority=5, timeout_seconds=3600, "
        "target_robot_id=None, tags=(), max_attempts=1, not_before=None, queue='default', queue_ttl_seconds=None, "
        "idempotency_key=None, retry_of=None)"
    )
    assert body_digest([NewSubmission(workflow_id="w", tenant_id="t")]) == hashlib.sha256(text.encode()).hexdigest()
