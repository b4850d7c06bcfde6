"""Responses with thousands of entries, written in pieces between which the event loop serves robots and dashboards."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from fastapi import Response
from pydantic import BaseModel

ENTRIES_AT_ONCE = 200
"""Entries in a piece: about 5 ms for a robot or a run."""

T = TypeVar("T")


async def list_response(
    entries: Sequence[T],
    view: Callable[[T], BaseModel],
    *,
    at_once: int = ENTRIES_AT_ONCE,
    **fields: str | int | bool,
) -> Response:
    """The JSON object with `items`, the views of the entries, and the other `fields`.

    The route declares the model as `response_model`. Entries that change between two pieces are shown as they are when
    their piece is written.
    """
    pieces = []
    for first in range(0, len(entries), at_once):
        if first:
            await asyncio.sleep(0)
        pieces.append(",".join(view(entry).model_dump_json() for entry in entries[first : first + at_once]))
    others = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in fields.items())
    return Response(f'{{"items":[{",".join(pieces)}]{others}}}', media_type="application/json")
