"""The read of the orders to one instance: one statement and one row, like those of `resync_rows.py`."""

import sqlite3

import msgspec

from casare_rpa.domain.instance_orders import AuditedAct, MovedSession, Orders

# Audit entries by primary key; cancels and moved sessions by partial indexes, which are nearly always empty.
ORDERS = """
SELECT
    (SELECT json_group_array(json_array(audit_id, action, target, note)) FROM (
        SELECT audit_id, action, target, note FROM audit WHERE audit_id > :after ORDER BY audit_id LIMIT :most)),
    (SELECT json_group_array(job_id) FROM jobs INDEXED BY jobs_unsent_cancels
     CROSS JOIN robot_sessions AS held
        ON held.robot_id = jobs.robot_id AND held.session_id IS NOT NULL AND held.instance = :instance
     WHERE finished_at IS NULL AND cancel_requested_at IS NOT NULL AND cancel_sent_at IS NULL
        AND jobs.robot_id IS NOT NULL),
    (SELECT json_group_array(json_array(robot_id, number)) FROM robot_sessions INDEXED BY robot_sessions_moved
     WHERE moved_from IS NOT NULL AND moved_from = :instance)
"""
_acts = msgspec.json.Decoder(list[AuditedAct])
_cancels = msgspec.json.Decoder(list[str])
_moved = msgspec.json.Decoder(list[MovedSession])


def orders(connection: sqlite3.Connection, instance: str, after_audit_id: int, limit: int) -> Orders:
    values = {"instance": instance, "after": after_audit_id, "most": limit}
    acts, cancels, moved = connection.execute(ORDERS, values).fetchone()
    return Orders(_acts.decode(acts), sorted(_cancels.decode(cancels)), _moved.decode(moved))
