"""The bus of a single instance: publishing is a plain function call."""

from collections.abc import Callable


class LocalBus:
    """Delivers at once, in the order of subscription, to receivers in this process."""

    def __init__(self) -> None:
        self._receivers: dict[str, list[Callable[[object], None]]] = {}

    def publish(self, subject: str, message: object) -> None:
        for receive in self._receivers.get(subject, ()):
            receive(message)

    def subscribe(self, subject: str, receive: Callable[[object], None]) -> None:
        self._receivers.setdefault(subject, []).append(receive)
