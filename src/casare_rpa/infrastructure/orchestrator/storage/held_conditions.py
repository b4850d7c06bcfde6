"""Conditions on held jobs, for which PostgreSQL walks `jobs_held` with any statistics. Portable.

Statistics of two columns do not say that open jobs rarely have a robot. With a backlog of pending jobs, `finished_at IS
NULL AND robot_id IS NOT NULL` counts as a quarter of the table, and `robot_id = 'r'` as all jobs that the robot ever
had, so that a walk over all open jobs seems cheaper. The planner does not know the bounds of a range that a subquery or
another row gives: it takes the range for a small part of each index by robot, and `jobs_held` is the smallest of them.

The range implies `robot_id IS NOT NULL`. A statement that has this too walks the jobs that robots ever had, since the
planner counts it for that index and not for `jobs_held`.
"""

_FIRST, _LAST = "(SELECT '')", "(SELECT '~')"  # ids of robots are ASCII text, compared by bytes
HELD = f"finished_at IS NULL AND robot_id >= {_FIRST} AND robot_id <= {_LAST}"
"""Jobs that any robot holds."""
LEASED = f"[+]finished_at IS NULL AND [+]robot_id >= {_FIRST} AND [+]robot_id <= {_LAST}"
"""The same for a statement on leases, of which SQLite has an index."""


def held_condition(robot: str) -> str:
    """Jobs that one robot holds. `robot` is a subquery, or a column of another table than `jobs`.

    >>> held_condition("ended.robot_id")
    'finished_at IS NULL AND jobs.robot_id >= ended.robot_id AND jobs.robot_id <= ended.robot_id'
    """
    return f"finished_at IS NULL AND jobs.robot_id >= {robot} AND jobs.robot_id <= {robot}"
