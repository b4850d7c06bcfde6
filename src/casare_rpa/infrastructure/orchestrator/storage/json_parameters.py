"""Many rows in one JSON text, which a statement takes as one parameter. For every backend."""

from collections.abc import Sequence
from typing import Any

import msgspec

from casare_rpa.domain import codec


def json_parameter(rows: Sequence[Any]) -> str:
    """Rows, or single values, as the one JSON parameter of a batched statement.

    A NUL becomes U+FFFD, as it does in every frame of a robot: SQLite cuts the text that it takes out of JSON there,
    and PostgreSQL refuses it.
    """
    text = msgspec.json.encode(rows).decode()
    return codec.repair(text) if "\\u0000" in text else text
