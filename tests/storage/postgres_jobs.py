"""Many stored jobs of a PostgreSQL database, without the submits that made them."""

from collections.abc import Iterable

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
