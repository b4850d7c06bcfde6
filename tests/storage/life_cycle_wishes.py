"""Strategies for the requests of submitters and the reports of robots."""

from hypothesis import strategies as st

from casare_rpa.domain.vocabulary import ReportStatus

DRAFTS = st.fixed_dictionaries(
    {
        "tenant_id": st.sampled_from(["default", "default", "default", "other"]),
        "workflow_id": st.sampled_from(["invoices", "letters"]),
        "queue": st.sampled_from(["default", "default", "night"]),
        "priority": st.integers(0, 10),
        "tags": st.sampled_from([(), (), ("sap",), ("web", "sap"), ("sap", "web", "sap")]),
        "target_robot_id": st.sampled_from([None, None, None, "bee", "dog"]),
        "max_attempts": st.integers(1, 3),
        "timeout_seconds": st.sampled_from([5, 100, 3600]),
        "queue_ttl_seconds": st.sampled_from([None, None, None, 20]),
    }
)
SUBMITS = st.tuples(
    DRAFTS,
    st.sampled_from([None, None, 0, 10, 700]),
    st.sampled_from([None, None, "key-1", "key-2"]),
    st.sampled_from(["digest", "digest", "other digest"]),
)
DETAILS = st.fixed_dictionaries(
    {
        "progress": st.sampled_from([None, 0.0, 37.5, 100.0]),
        "message": st.sampled_from([None, "", "half-way, ½"]),
        "result": st.sampled_from([None, '{"sum":1.5}']),
        "error": st.sampled_from([None, '{"type":"x"}']),
        "error_type": st.sampled_from([None, None, "business", "timeout", "rejected"]),
        "error_code": st.sampled_from([None, None, "bad_result"]),
        "jitter": st.sampled_from([0.0, 0.75]),
    }
)
WHICH = st.integers(0, 5)
STATUSES = st.sampled_from([status for status in ReportStatus if status is not ReportStatus.CANCELED])
"""A report with `canceled` becomes one with `cancelled` before it reaches the store."""
