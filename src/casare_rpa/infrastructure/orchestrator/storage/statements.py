"""Cold statements: SQLAlchemy Core, compiled once, run on the store's own connections."""

import sqlite3
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

_DIALECT = sqlite.dialect(paramstyle="qmark")


class Statement:
    """A statement with named parameters, ready to run."""

    def __init__(self, element: ClauseElement) -> None:
        compiled: Any = element.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._names: list[str] = list(compiled.positiontup or ())
        self._fixed: dict[str, Any] = dict(compiled.params)

    def run(self, connection: sqlite3.Connection, **parameters: Any) -> sqlite3.Cursor:  # noqa: ANN401 - SQL values
        values = {**self._fixed, **parameters}
        return connection.execute(self.sql, [values[name] for name in self._names])
