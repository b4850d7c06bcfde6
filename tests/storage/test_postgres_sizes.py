"""The size of a PostgreSQL database: rows of large tables come from its statistics."""

from functools import partial

import pytest

from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.store_facts import TableSize
from casare_rpa.infrastructure.orchestrator.storage.backends import open_sizes
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.readers import PostgresReaders
from casare_rpa.infrastructure.orchestrator.storage.postgres.relation_size import COUNTED_ROWS, measure
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from postgres_server import DEBIAN, NEWEST, running
from storage.postgres_database import empty_database

pytestmark = pytest.mark.slow

TENANTS = "INSERT INTO tenants (tenant_id, name, created_at) SELECT 't' || n, 'T', 0 FROM generate_series({}, {}) AS n"


@pytest.mark.parametrize("kind", [DEBIAN, NEWEST])
async def test_sizes_are_read_without_a_store(kind: str) -> None:
    sizes = open_sizes(empty_database(kind))
    try:
        found = await sizes.sizes()
        assert {one.name for one in found.tables} >= set(metadata.tables)
        assert all(one.bytes > 0 and not one.rows_estimated for one in found.tables)
        assert {one.name: one.rows for one in found.tables}["tenants"] == 1
        assert found.total_bytes > sum(one.bytes for one in found.tables)
        for kept in RetainedKind:
            assert (await sizes.count_kept(kept), await sizes.count_older(kept, 1)) == (0, 0)  # type: ignore[arg-type]
        assert await sizes.log_volumes() == {}
    finally:
        await sizes.close()


@pytest.mark.parametrize(("counted", "rows", "estimated"), [(COUNTED_ROWS, 60, False), (10, 50, True)])
async def test_rows_of_a_large_table_are_those_of_its_statistics(counted: int, rows: int, estimated: bool) -> None:
    url = empty_database(DEBIAN)
    name = url.rpartition("/")[2].partition("?")[0]
    server = running(DEBIAN)
    server.run_sql(TENANTS.format(1, 49), name)
    server.run_sql("ANALYZE tenants", name)
    server.run_sql(TENANTS.format(50, 59), name)
    readers = PostgresReaders(Target(url))
    try:
        found = await readers.read(partial(measure, counted_rows=counted))
    finally:
        await readers.close()
    (tenants,) = [one for one in found.tables if one.name == "tenants"]
    assert tenants == TableSize("tenants", rows, tenants.bytes, rows_estimated=estimated)
