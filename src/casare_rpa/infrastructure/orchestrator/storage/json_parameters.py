"""Many rows in one JSON text, which a statement takes as one parameter. For every backend."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from casare_rpa.domain import codec


def row_type(name: str, columns: Sequence[str]) -> Callable[..., msgspec.Struct]:
    """Makes a row of `json_parameter` of the values of these columns, in order. A null is left out of the text.

    It is for `json_to_recordset` of PostgreSQL, for which a missing value is null.
    """
    fields = [(column, Any, None) for column in columns]
    return msgspec.defstruct(name, fields, omit_defaults=True, gc=False)


def json_parameter(rows: Sequence[Any]) -> str:
    """Rows, or single values, as the one JSON parameter of a batched statement.

    A NUL becomes U+FFFD, as it does in every frame of a robot: SQLite cuts the text that it takes out of JSON there,
    and PostgreSQL refuses it.
    """
    text = msgspec.json.encode(rows).decode()
    return codec.repair(text) if "\\u0000" in text else text
