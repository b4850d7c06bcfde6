"""The contents of the store before the server starts: robots with keys, and pending jobs."""

import sqlite3
import subprocess
import time
from pathlib import Path

from bench.product import PRESENT, measured
from casare_rpa.domain.credentials import KEY_ID_LENGTH, KEY_SECRET_LENGTH, digest, make_key
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate

TENANT = "default"
ADD_ROBOT = (
    "INSERT INTO robots (robot_id, tenant_id, name, tags, max_concurrent_jobs, created_at) VALUES (?, ?, ?, ?, ?, ?)"
)
ADD_KEY = "INSERT INTO robot_keys (key_id, robot_id, tenant_id, digest, created_at) VALUES (?, ?, ?, ?, ?)"
# Of the jobs that no robot can run, some require an unknown tag, the others a robot that is not connected.
ADD_JOBS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs - 1)
INSERT INTO jobs (
    job_id, tenant_id, workflow_id, submitted_at, queue, status, priority, parameters, tags, target_robot_id,
    timeout_seconds, max_attempts, attempt, starts, former_robots, claim_ack, forced, unconfirmed, reconciled,
    late_reports, progress, message, revision, placement, rank, ready
)
SELECT 'job-' || printf('%024x', i), 'default', 'waits', :now - (:jobs - i), 'default', 'pending', :priority, '{}',
    iif(:servable OR i % 2 = 0, '[]', '["nobody"]'), iif(:servable OR i % 2, NULL, 'absent'),
    3600, 1, 0, 0, '[]', 0, 0, 0, 0, 0, 0, '', 0,
    CASE
        WHEN :servable THEN '["default","default",null,[],"waits"]'
        WHEN i % 2 THEN '["default","default",null,["nobody"],"waits"]'
        ELSE '["default","default","absent",[],"waits"]'
    END,
    :now - (:jobs - i), 1
FROM n
"""
COUNT = "INSERT INTO tallies (tenant_id, status, minute, queue, number) VALUES ('default', 'pending', 0, 'default', ?)"


def robot_id(number: int) -> str:
    return f"robot-{number:05}"


def key_of(number: int) -> str:
    """The key of a robot, computed from its number."""
    return make_key(f"{number:0{KEY_ID_LENGTH}}", f"{number:0{KEY_SECRET_LENGTH}}")


def robot_rows(robots: int, slots: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The rows of robots with `slots` each, and of their keys."""
    now = time.time_ns() // 1000
    kept: list[tuple[object, ...]] = [(robot_id(n), TENANT, "", "[]", slots, now) for n in range(robots)]
    return kept, [(f"{n:0{KEY_ID_LENGTH}}", robot_id(n), TENANT, digest(key_of(n)), now) for n in range(robots)]


def fill(folder: Path, robots: int, slots: int = 1, pending: int = 0, *, servable: bool = False) -> None:
    """A new database with this many robots, each with a key, and pending jobs that any robot can serve, or none.

    Another version creates its database itself, with the schema that it knows.
    """
    product = measured.get()
    if product is PRESENT:
        _fill(folder, robots, slots, pending, servable=servable)
        return
    arguments = f"Path({str(folder.resolve())!r}), {robots}, {slots}, {pending}, servable={servable}"
    code = f"from pathlib import Path; from bench.store import fill; fill({arguments})"
    subprocess.run([product.python, "-c", code], cwd=product.tree, check=True)


def _fill(folder: Path, robots: int, slots: int, pending: int, *, servable: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "casare.db"
    migrate(path)
    now = time.time_ns() // 1000
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.execute("INSERT OR IGNORE INTO tenants VALUES (?, ?, ?)", (TENANT, TENANT, now))
        kept, keys = robot_rows(robots, slots)
        connection.executemany(ADD_ROBOT, kept)
        connection.executemany(ADD_KEY, keys)
        if pending:
            connection.execute(ADD_JOBS, {"jobs": pending, "now": now, "priority": 9, "servable": servable})
            connection.execute(COUNT, (pending,))
    connection.close()
