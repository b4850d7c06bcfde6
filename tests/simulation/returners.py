"""Viewers of the numbered stream that reconnect with the position of their last frame."""

import json
from typing import Any

from tests.simulation.disk import TENANTS, key_of
from tests.simulation.history import Watch
from tests.simulation.network import Connection
from tests.simulation.people import Viewer
from tests.simulation.server import API_SECRET


class Returner(Viewer):
    """Like a dashboard of contract 1.1: one snapshot, then the missed changes. Its connections are short."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._query = self.query
        if self.path != "/ws/admin":
            self.query += "start"
        self._position: str | None = None
        self._in_snapshot = False

    async def _watch_once(self, connection: Connection) -> None:
        admin = self.path == "/ws/admin"
        self._connection = connection
        self._in_snapshot = False
        self._watch = watch = Watch(self.name, self.tenant_id, snapshot=admin, since=self._position)
        self.history.returns.append(watch)
        if admin:
            payload = {"channels": ["jobs"], "since": self._position}
            connection.send(json.dumps({"type": "subscribe", "payload": payload}))
        try:
            while True:
                self._follow(await self._next(connection, watch))
                if self.chance.random() < 0.03:
                    connection.close()
        finally:
            self.query = self._query if admin else f"{self._query}{self._position or 'start'}"

    def _follow(self, document: dict[str, Any]) -> None:
        """Messages during a snapshot are part of it; the position is that of its end."""
        body = document.get("payload", document)
        match document["type"]:
            case "subscribed":
                self._in_snapshot = not body["recovered"]
            case "snapshot_end":
                self._in_snapshot = False
                self._position = f"{body['epoch']}:{body['seq']}"
            case "job_update" if "seq" in document and not self._in_snapshot:
                self._position = f"{document['epoch']}:{document['seq']}"


def returners(*args: Any) -> list[Viewer]:
    """One viewer at each of the two endpoints with numbers: one of all tenants, and one of one tenant."""
    query = f"api_secret={API_SECRET}"
    token = f"token={key_of(f'{TENANTS[0]}-1')}&since="
    path = "/ws/monitoring/live-jobs"
    return [
        Returner(*args, path="/ws/admin", query=query, name="returner-all", tenant_id=None),
        Returner(*args, path=path, query=token, name=f"returner-{TENANTS[0]}", tenant_id=TENANTS[0]),
    ]
