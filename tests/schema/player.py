"""Sends single frames to an endpoint of a running server and collects the answers to each."""

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from contract.server_process import ADMIN_SECRET, Account, Server

Document = dict[str, Any]
WITHIN_SECONDS = 10.0
BAD_FRAMES_OF_A_CONNECTION = 80
"""Below the 100 a minute that close a connection, with room for late answers."""

ROBOT, ADMIN = "/ws/robot/{robot_id}", "/ws/admin"
LOGS = ("/ws/logs", "/ws/logs/{robot_id}")
MONITORING = ("/ws/monitoring/live-jobs", "/ws/monitoring/robot-status", "/ws/monitoring/queue-metrics")
KNOWN_GOOD: dict[str, Document] = {
    ROBOT: {"type": "pong", "payload": {}},
    ADMIN: {"type": "unsubscribe", "payload": {"channels": ["jobs"]}},
}
LOST = 1006
"""A connection that ended without a close frame."""
KNOWN_BAD: Document = {"type": "none of this endpoint"}
_NUMBERS = itertools.count(1)


def address_of(server: Server, account: Account, endpoint: str) -> str:
    """The address of an endpoint with its credential."""
    path = endpoint.format(robot_id=account.robot_id)
    if endpoint == ROBOT:
        return server.ws(path, api_key=account.api_key)
    return (
        server.ws(path, token=account.api_key) if endpoint in MONITORING else server.ws(path, api_secret=ADMIN_SECRET)
    )


def number_of(document: Document) -> Any:
    """The `id` of the message that an `ack` or an `error` answers."""
    return document["payload"]["id"] if document["type"] == "ack" else document.get("id")


@dataclass
class Answers:
    """The messages after a frame and before the answer to the next one; `close_code` is set if that is missing."""

    messages: list[Document] = field(default_factory=list)
    close_code: int | None = None

    def to(self, number: Any) -> list[Document]:
        return [m for m in self.messages if m["type"] in ("ack", "error") and number_of(m) == number]

    @property
    def codes(self) -> list[str]:
        return [message["payload"]["code"] for message in self.messages if message["type"] == "error"]


class Player:
    """One client of an endpoint. It reconnects after a close, and before it exceeds a limit of the connection."""

    def __init__(self, server: Server, account: Account, endpoint: str) -> None:
        self.endpoint = endpoint
        self._address = address_of(server, account, endpoint)
        self._socket: ClientConnection | None = None
        self._open_sockets = ExitStack()
        self._bad = 0

    def play(self, text: str, number: Any = None) -> Answers:
        """Send a frame and then a known one; wait for the answers to the known one and to this `id`."""
        known = {**KNOWN_GOOD.get(self.endpoint, KNOWN_BAD), "id": f"known-{next(_NUMBERS)}"}
        kind = "ack" if self.endpoint in KNOWN_GOOD else "error"
        answers = Answers()
        socket = self._open()
        try:
            with suppress(ConnectionClosed):  # messages before the end can still be read
                socket.send(text)
                socket.send(json.dumps(known))
            self._collect(socket, answers, lambda: self._answered(answers, known["id"], kind, number))
        except ConnectionClosed as end:
            answers.close_code = end.rcvd.code if end.rcvd else LOST
            self.close()
        self._bad += len(answers.codes)
        if self._bad >= BAD_FRAMES_OF_A_CONNECTION:
            self.close()
        return answers

    def wait_for(self, kind: str) -> Document:
        """The payload of the next message of a type."""
        answers = Answers()
        self._collect(self._open(), answers, lambda: bool(answers.messages) and answers.messages[-1]["type"] == kind)
        payload: Document = answers.messages[-1]["payload"]
        return payload

    def _answered(self, answers: Answers, known: str, kind: str, number: Any) -> bool:
        followed = [message for message in answers.to(known) if message["type"] == kind]
        return bool(followed) and (number is None or bool(answers.to(number)))

    def _collect(self, socket: ClientConnection, answers: Answers, enough: Callable[[], bool]) -> None:
        while not enough():
            try:
                answers.messages.append(json.loads(socket.recv(WITHIN_SECONDS)))
            except TimeoutError:
                raise AssertionError(f"{self.endpoint}: no answer; seen: {answers.messages[-5:]}") from None

    def _open(self) -> ClientConnection:
        if self._socket is None:
            self._bad = 0
            opening = connect(self._address, proxy=None, compression=None, max_size=2**22)
            self._socket = self._open_sockets.enter_context(opening)
        return self._socket

    def close(self) -> None:
        self._open_sockets.close()
        self._socket = None
