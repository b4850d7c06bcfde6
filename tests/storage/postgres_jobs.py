"""Many stored jobs of a PostgreSQL database, without the submits that made them, and the plans of statements."""

import json
from collections.abc import Iterable
from typing import Any

import asyncpg

from casare_rpa.domain.job import Job
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_COLUMNS, row_of


async def copy_jobs(url: str, jobs: Iterable[Job]) -> None:
    """Insert jobs, and have the statistics of the table as they were before: it may count as empty."""
    connection = await asyncpg.connect(url)
    try:
        rows = [[int(value) if isinstance(value, bool) else value for value in row_of(job)] for job in jobs]
        await connection.copy_records_to_table("jobs", records=rows, columns=JOB_COLUMNS)
    finally:
        await connection.close()


async def plan_of(connection: "asyncpg.Connection[Any]", name: str, *values: object) -> tuple[list[str], int]:
    """The nodes of the plan of a prepared statement, and the pages that it read."""
    texts = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
    (answer,) = await connection.fetchrow(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {name} ({texts})")
    plan = json.loads(answer)[0]["Plan"]
    nodes: list[str] = []

    def walk(node: dict[str, Any]) -> None:
        where = node.get("Index Name") or node.get("Relation Name") or ""
        nodes.append(f"{node['Node Type']} {where}".strip())
        for child in node.get("Plans", []):
            walk(child)

    walk(plan)
    return nodes, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
