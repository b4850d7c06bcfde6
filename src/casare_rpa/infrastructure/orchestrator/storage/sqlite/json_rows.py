"""Many rows in one JSON text, which SQLite takes as one parameter, or returns as one value."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_FIELD_NAMES

_EXACT = {"progress": "printf('%!.17g', progress)"}
"""Columns of floating-point numbers, which SQLite rounds to 15 digits in JSON."""
JOB_JSON = f"json_array({', '.join(_EXACT.get(name, name) for name in JOB_FIELD_NAMES)})"
"""A job as one value, for `rows_at_once`; `job_of` takes it."""


def json_rows(parameter: str = "?") -> str:
    """The table whose column `value` has the rows of a JSON parameter, for `columns_of_json`.

    It is `json_each`, which makes the text of a row again for every column that is read from it. With a copy of the
    text, the insertion of a log line of eleven columns takes half of the time.
    """
    return f"(WITH given AS MATERIALIZED (SELECT value FROM json_each({parameter})) SELECT value FROM given)"  # noqa: S608


def columns_of_json(names: Sequence[str]) -> str:
    """The select list that takes rows out of `json_rows()` again."""
    return ", ".join(f'value ->> {index} AS "{name}"' for index, name in enumerate(names))


def rows_at_once(connection: sqlite3.Connection, value: str, source: str, parameters: Sequence[Any]) -> list[Any]:
    """All rows of `source`, of which `value` makes one JSON value each.

    In one step: between rows, `sqlite3` releases the interpreter lock, which a busy event loop then keeps for the
    switch interval.
    """
    (text,) = connection.execute(f"SELECT json_group_array({value}) {source}", parameters).fetchone()
    rows: list[Any] = msgspec.json.decode(text)
    return rows
