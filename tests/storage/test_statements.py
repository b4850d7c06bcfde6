"""Cold statements are written once: each compiles for SQLite and for PostgreSQL, and no driver is named there."""

import ast
import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.logs import Level, LogFilter
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage import cold, statements
from casare_rpa.infrastructure.orchestrator.storage.cold import audit_rows, job_filters, log_rows
from casare_rpa.infrastructure.orchestrator.storage.statements import POSTGRESQL, SQLITE, SqlConnection, Statement
from new_database import new_database

SQLITE_ONLY = (
    (r"\bINDEXED BY\b", "an index hint"),
    (r"\bjson_each\b|\bjson_group_array\b|->>", "JSON of SQLite"),
    (r"\binstr\s*\(|\bprintf\s*\(|\biif\s*\(", "a function of SQLite"),
    (r"\bmax\s*\([^()]*,|\bmin\s*\([^()]*,", "max() or min() of several values"),
    (r"[=<>(,]\s*\+\w|\b(?:AND|OR|NOT|WHERE|SELECT)\s+\+\w", "a unary plus"),
    (r"\bCROSS\s+JOIN\b", "a fixed order of tables"),
    (r"\bOR\s+(?:IGNORE|REPLACE)\b", "a conflict clause of SQLite"),
    (r"[?\[\]]", "a parameter or a bracket"),
)
"""SQL that PostgreSQL rejects or interprets differently."""


CALLS: dict[str, Callable[[SqlConnection], Any]] = {
    "jobs": lambda c: job_filters.listed(c, JobFilter(), 5, None),
    "jobs, next page": lambda c: job_filters.listed(
        c, JobFilter(tenant_id="a", statuses=(JobStatus.FAILED,)), 5, (1, "j")
    ),
    "jobs, every filter": lambda c: job_filters.listed(
        c,
        JobFilter(
            tenant_id="a", statuses=(JobStatus.FAILED,), robot_id="r", workflow_id="w", queue="q",
            reasons=(Reason.ERROR, Reason.TIMEOUT), ended_since=Instant(1), ended_until=Instant(2),
            fingerprint="f", since=Instant(1), until=Instant(2),
        ), 5, None,
    ),
    "jobs by their end": lambda c: job_filters.listed(
        c, JobFilter(prefix="job-1", ended_since=Instant(1)), 5, (1, "j"), JobOrder.LAST_ENDED
    ),
    "jobs, prefix": lambda c: job_filters.listed(c, JobFilter(prefix="w"), 5, None),
    "jobs, prefix of an id": lambda c: job_filters.listed(c, JobFilter(prefix="job-1"), 5, None),
    "jobs, whole id": lambda c: job_filters.listed(c, JobFilter(prefix="job-" + "1" * 26), 5, None),
    "jobs to cancel": lambda c: job_filters.count(c, JobFilter(statuses=(JobStatus.RUNNING,), to_cancel=True), 5),
    "jobs to retry": lambda c: job_filters.count(c, JobFilter(statuses=(JobStatus.FAILED,), to_retry=True), 5),
    "recent lines": lambda c: log_rows.recent(c, LogFilter(), 5, 0),
    "recent lines of a robot": lambda c: log_rows.recent(
        c, LogFilter(tenant_id="a", robot_id="r", min_level=Level.WARNING), 5, 0
    ),
    "audit": lambda c: audit_rows.newest(c, None, (), 5, None),
    "audit of a target": lambda c: audit_rows.newest(c, "alpha", ("cancel_job", "retry_job"), 5, 7),
}  # fmt: skip
"""Reads that build their statement for each call."""


def modules() -> Iterator[Any]:
    for found in pkgutil.iter_modules(cold.__path__):
        yield importlib.import_module(f"{cold.__name__}.{found.name}")


def constants() -> dict[str, Statement]:
    """Every statement that is a constant of a module in cold/, or a value of one."""
    found: dict[str, Statement] = {}
    for module in modules():
        for name, value in vars(module).items():
            values = value if isinstance(value, dict) else {"": value}
            for key, one in values.items():
                if isinstance(one, Statement):
                    found[f"{module.__name__.rpartition('.')[2]}.{name}{key and f'[{key}]'}"] = one
    return found


CONSTANTS = constants()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(new_database(tmp_path))
    yield opened
    opened.close()


def problems(sql: str) -> list[str]:
    found = [what for pattern, what in SQLITE_ONLY if re.search(pattern, sql, re.IGNORECASE)]
    first_uses = {
        number: where.start() for where in reversed(list(re.finditer(r"\$\d+", sql))) for number in [where[0]]
    }
    if any(re.match(r"\$\d+ IS NULL", sql[start:]) for start in first_uses.values()):
        found.append("a parameter whose first use shows no type")
    for opened in re.finditer(r"\b(?:FROM|JOIN)\s*\(", sql):
        depth, end = 1, opened.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        if not re.match(r"\s*AS\s+\w+", sql[end:]):
            found.append("a derived table without a name")
    return found


def test_every_module_has_statements() -> None:
    assert len(CONSTANTS) > 40
    without = {"job_filters", "log_search"}  # they build them, except for a few
    assert {module.__name__.rpartition(".")[2] for module in modules()} - without == {
        name.partition(".")[0] for name in CONSTANTS
    } - without


@pytest.mark.parametrize("name", CONSTANTS)
def test_statement_prepares_on_sqlite(connection: sqlite3.Connection, name: str) -> None:
    compiled = CONSTANTS[name].compiled(SQLITE)
    assert compiled.sql.count("?") == len(compiled.names)
    connection.execute(f"EXPLAIN {compiled.sql}", [1] * len(compiled.names))


@pytest.mark.parametrize("name", CONSTANTS)
def test_statement_compiles_for_postgresql(name: str) -> None:
    compiled = CONSTANTS[name].compiled(POSTGRESQL)
    assert problems(compiled.sql) == [], compiled.sql
    numbers = {int(number) for number in re.findall(r"\$(\d+)", compiled.sql)}
    assert numbers == set(range(1, len(compiled.names) + 1))


@pytest.mark.parametrize("name", CALLS)
def test_statement_of_a_call_compiles_for_postgresql(connection: sqlite3.Connection, name: str) -> None:
    statements._texts.clear()
    CALLS[name](connection)
    assert statements._texts or name == "jobs, prefix", "there is no workflow to read"
    for statement in statements._texts.values():
        compiled = statement.compiled(POSTGRESQL)
        assert problems(compiled.sql) == [], compiled.sql


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM jobs INDEXED BY jobs_open",
        "SELECT value FROM json_each(:ids)",
        "SELECT max(a, b) FROM jobs",
        "SELECT 1 FROM jobs WHERE a = 1 AND +b = 2",
        "SELECT 1 FROM a CROSS JOIN b ON true",
        "SELECT * FROM (SELECT 1) WHERE true",
        "SELECT 1 FROM jobs WHERE $1 IS NULL OR tenant_id = $1",
    ],
)
def test_sqlite_only_text_is_detected(sql: str) -> None:
    assert problems(sql)


def test_hints_are_used_on_sqlite_only() -> None:
    statement = Statement("SELECT 1 FROM jobs [INDEXED BY jobs_open] WHERE [+]status = :status")
    assert statement.compiled(SQLITE).sql == "SELECT 1 FROM jobs INDEXED BY jobs_open WHERE +status = ?"
    assert statement.compiled(POSTGRESQL).sql == "SELECT 1 FROM jobs  WHERE status = $1"


def test_repeated_parameter_has_one_number_on_postgresql_and_each_its_place_on_sqlite() -> None:
    statement = Statement("SELECT 1 FROM jobs WHERE :a IS NULL OR tenant_id = :a AND queue = :b")
    assert statement.compiled(SQLITE).names == ("a", "a", "b")
    assert statement.compiled(POSTGRESQL).names == ("a", "b")


def test_missing_parameter_is_refused(connection: sqlite3.Connection) -> None:
    with pytest.raises(KeyError, match="b"):
        Statement("SELECT :a, :b").run(connection, a=1)


def test_cold_statements_name_no_driver() -> None:
    """cold/ and the modules that run its statements import neither sqlite3 nor a dialect."""
    files = [*Path(cold.__path__[0]).glob("*.py"), Path(statements.__file__)]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.partition(".")[0] not in ("sqlite3", "asyncpg", "psycopg"), file
                assert ".storage.sqlite" not in name, file
