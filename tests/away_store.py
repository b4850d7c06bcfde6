"""A store that other instances could use as well, and that a test takes away and brings back."""

import inspect
from typing import Any

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.ports.store import Store


class AwayStore:
    """Passes every call to a store, except while `away`: then every call raises StoreUnavailable.

    `calls` has the names of the calls that were refused, and `done` the others, with their arguments.
    """

    def __init__(self, store: Store, *, shared: bool = True) -> None:
        self._store = store
        self.shared = shared
        self.away = False
        self.calls: list[str] = []
        self.done: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._store, name)
        if not inspect.iscoroutinefunction(member):
            return member

        async def call(*arguments: Any, **named: Any) -> Any:
            if self.away:
                self.calls.append(name)
                raise StoreUnavailable("the store is away")
            answer = await member(*arguments, **named)
            self.done.append((name, arguments))
            return answer

        return call
