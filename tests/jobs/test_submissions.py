"""The idempotency of submits: equal requests have equal digests, also across versions."""

from typing import Any

import pytest

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_submissions import NewSubmission
from casare_rpa.infrastructure.orchestrator.jobs.submissions import body_digest

SHORT = NewSubmission(workflow_id="w", tenant_id="t")
FULL = NewSubmission(
    workflow_id="invoices",
    tenant_id="red",
    parameters='{"month": "2026-11"}',
    priority=9,
    timeout_seconds=60,
    target_robot_id="robot-1",
    tags=("sap", "excel"),
    max_attempts=3,
    not_before=Instant(1766413800123456),
    queue="night",
    queue_ttl_seconds=600,
    idempotency_key="key-1",
    retry_of="job-0",
)


@pytest.mark.parametrize(
    ("submissions", "digest"),
    [
        ([SHORT], "180c9d0cd6e71116a4388646bb3d5950c7ee283e9b68bb2593f8738d130f4617"),
        ([FULL], "be9ee0e23b11dbf55ac01539431c15bf71bfd18c293b2e4cff7128c908481547"),
        ([SHORT, FULL], "b09037e9ce3f5b052147de43d689c589f64d5f9b197fc503ac45640acf216bc8"),
    ],
    ids=["defaults", "all fields", "several"],
)
def test_digest_equals_that_of_earlier_versions(submissions: list[NewSubmission], digest: str) -> None:
    """Digests are stored. A submit that is repeated after an upgrade must have the digest of its first request.

    The values were computed with version 1ca23e8, which stored the first digests.
    """
    assert body_digest(submissions) == digest


@pytest.mark.parametrize("field", NewSubmission.__struct_fields__)
def test_digest_depends_on_each_field(field: str) -> None:
    other: Any = {name: getattr(FULL, name) for name in NewSubmission.__struct_fields__}
    other[field] = getattr(SHORT, field)
    assert body_digest([NewSubmission(**other)]) != body_digest([FULL])
