"""Viewers that follow all changes of jobs, and resume at any instance when their connection ends.

The journal of each viewer has every numbered message, and where it began: `begun` after a snapshot, `resumed` after
`recovered: true`. A connection is also closed at random, so that viewers change the instance without a fault.
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chaos.journal import Journal
from chaos.processes import die_with_parent

CLOSE_SECONDS = (5.0, 30.0)
RETRY_SECONDS = 0.2
SNAPSHOT_SECONDS = 60.0


class Viewer:
    """One viewer and its position."""

    def __init__(self, number: int, url: str, secret: str, folder: Path, seed: str) -> None:
        self.position: str | None = None
        self._url = f"{url.replace('http', 'ws', 1)}/ws/admin?api_secret={secret}"
        self._journal = Journal(folder / "viewers" / f"viewer-{number:02}.jsonl", durable=False)
        self._random = random.Random(f"{seed} viewer {number}")

    async def watch(self) -> None:
        """Connect again and again."""
        while True:
            try:
                async with connect(self._url, max_size=None, open_timeout=10, ping_interval=20) as socket:
                    await self._follow(socket)
            except (OSError, WebSocketException, TimeoutError) as error:
                self._journal.write("away", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS * self._random.uniform(0.5, 1.5))

    async def _follow(self, socket: ClientConnection) -> None:
        await socket.send(
            json.dumps({"type": "subscribe", "payload": {"channels": ["jobs"], "since": self.position or "start"}})
        )
        lasts = self._random.uniform(*CLOSE_SECONDS)
        loading = False
        try:
            async with asyncio.timeout(SNAPSHOT_SECONDS) as limit:
                async for frame in socket:
                    message = json.loads(frame)
                    kind = message["type"]
                    if kind == "subscribed":
                        loading = not self._subscribed(message["payload"])
                        if not loading:
                            limit.reschedule(asyncio.get_running_loop().time() + lasts)
                    elif kind == "snapshot_end":
                        loading = False
                        self._begin(message.get("payload", message))
                        limit.reschedule(asyncio.get_running_loop().time() + lasts)
                    elif "seq" in message and not loading:
                        self._change(message)
        except TimeoutError:
            return  # leave this instance

    def _subscribed(self, payload: dict[str, Any]) -> bool:
        """Whether the changes after the position follow, without a snapshot."""
        if payload.get("channel") != "jobs":
            return True
        recovered = bool(payload.get("recovered"))
        if recovered:
            self._journal.write("resumed", position=self.position)
        return recovered

    def _begin(self, fields: dict[str, Any]) -> None:
        self.position = f"{fields['epoch']}:{fields['seq']}"
        self._journal.write("begun", epoch=fields["epoch"], seq=fields["seq"])

    def _change(self, message: dict[str, Any]) -> None:
        self.position = f"{message['epoch']}:{message['seq']}"
        payload = message["payload"]
        self._journal.write(
            "change", epoch=message["epoch"], seq=message["seq"], job_id=payload["job_id"], status=payload["status"]
        )


async def main() -> None:
    folder, number = Path(os.environ["CHAOS_DIR"]), int(os.environ["CHAOS_VIEWERS"])
    url, secret, seed = os.environ["CHAOS_URL"], os.environ["CASARE_API_SECRET"], os.environ["CHAOS_SEED"]
    (folder / "viewers").mkdir(exist_ok=True)
    viewers = [Viewer(one, url, secret, folder, seed) for one in range(1, number + 1)]
    await asyncio.gather(*(viewer.watch() for viewer in viewers))


if __name__ == "__main__":
    die_with_parent()
    sys.exit(asyncio.run(main()))
