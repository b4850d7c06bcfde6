"""The reads of one instance about the others: all open sessions, and the orders to it. Each is one statement."""

import msgspec

from casare_rpa.domain.instance_orders import AuditedAct, MovedSession, Orders
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection

# A robot can be removed while it is connected.
OPEN_SESSIONS = """
SELECT coalesce(json_agg(json_build_array(
    held.robot_id, held.instance, held.session_id, said, cpu_percent, memory_mb, last_heartbeat_at, last_seen_at,
    clock_skew_seconds)), '[]')::text
FROM robot_sessions AS held JOIN robots ON robots.robot_id = held.robot_id WHERE held.session_id IS NOT NULL
"""
# Audit entries by primary key; cancels and moved sessions by partial indexes, which are nearly always empty.
ORDERS = """
SELECT
    (SELECT coalesce(json_agg(json_build_array(audit_id, action, target, note)), '[]')::text FROM (
        SELECT audit_id, action, target, note FROM audit WHERE audit_id > $1 ORDER BY audit_id LIMIT $2) AS acts),
    (SELECT coalesce(json_agg(job_id ORDER BY job_id), '[]')::text FROM (
        SELECT job_id, robot_id FROM jobs
        WHERE finished_at IS NULL AND cancel_requested_at IS NOT NULL AND cancel_sent_at IS NULL
            AND robot_id IS NOT NULL) AS unsent
     JOIN robot_sessions AS held
        ON held.robot_id = unsent.robot_id AND held.session_id IS NOT NULL AND held.instance = $3),
    (SELECT coalesce(json_agg(json_build_array(robot_id, number) ORDER BY robot_id), '[]')::text FROM robot_sessions
     WHERE moved_from IS NOT NULL AND moved_from = $3)
"""
_open = msgspec.json.Decoder(list[StoredSession])
_acts = msgspec.json.Decoder(list[AuditedAct])
_cancels = msgspec.json.Decoder(list[str])
_moved = msgspec.json.Decoder(list[MovedSession])


def open_sessions_of_all(connection: ColdConnection) -> list[StoredSession]:
    return _open.decode(connection.execute(OPEN_SESSIONS).fetchone()[0])


def orders_to(connection: ColdConnection, instance: str, after_audit_id: int, limit: int) -> Orders:
    acts, cancels, moved = connection.execute(ORDERS, (after_audit_id, limit, instance)).fetchone()
    return Orders(_acts.decode(acts), _cancels.decode(cancels), _moved.decode(moved))
