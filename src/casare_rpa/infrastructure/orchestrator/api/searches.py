"""Searches over HTTP: two of a principal at a time. A search ends when its client disconnects."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from casare_rpa.domain.credentials import Principal
from casare_rpa.infrastructure.orchestrator.api.dependencies import Plane, Reader
from casare_rpa.infrastructure.orchestrator.views.search_turns import SearchTurns

T = TypeVar("T")
CLIENT_LEFT = 499
"""The status of a request whose client has closed its connection. No client sees it."""


class Searcher:
    """Runs the searches of one request."""

    def __init__(self, request: Request, turns: SearchTurns, principal: Principal) -> None:
        self._request = request
        self._turns = turns
        self._who = principal

    async def __call__(self, search: Callable[..., Awaitable[T]], *arguments: Any) -> T:  # noqa: ANN401 - passed on
        """The result of `search(*arguments)`. It is cancelled when the client disconnects, also while it waits.

        Raises:
            RateLimited: too many searches of this principal wait.
            HTTPException: the client has disconnected.
        """
        work = asyncio.create_task(self._in_turn(search, *arguments), name="search")
        left = asyncio.create_task(self._client_left(), name="search client")
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise HTTPException(CLIENT_LEFT, "the client has closed its connection")
            return work.result()
        finally:
            for task in (work, left):
                task.cancel()
            await asyncio.wait({work, left})

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A turn for a read of a response that is already being sent. Raises RateLimited as a call does."""
        return self._turns.turn(self._who)

    async def _in_turn(self, search: Callable[..., Awaitable[T]], *arguments: Any) -> T:  # noqa: ANN401 - passed on
        async with self.turn():
            return await search(*arguments)

    async def _client_left(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


async def searcher(request: Request, plane: Plane, principal: Reader) -> Searcher:
    return Searcher(request, plane.search_turns, principal)


Searching = Annotated[Searcher, Depends(searcher)]
