"""Counts the ended jobs of each workflow in a SQLite file, each job once.

    CASARE_URL=http://127.0.0.1:8000 CASARE_API_SECRET=… python follow_changes.py counts.db

The position of a change is stored in the transaction of its effect. After a crash of this program or of the
orchestrator, the program continues there: no effect is repeated and none is left out.
"""

import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

SILENT_SECONDS = 45  # the orchestrator sends at least a comment every 15 seconds
PASSING = (429, 502, 503, 504)  # the orchestrator, or a proxy in front of it, cannot answer now


def open_database(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY, position TEXT)")
        database.execute("INSERT OR IGNORE INTO place VALUES (1, 'oldest')")
        database.execute(
            "CREATE TABLE IF NOT EXISTS counts"
            " (workflow TEXT, status TEXT, jobs INTEGER, PRIMARY KEY (workflow, status))"
        )
    return database


def handle(database: sqlite3.Connection, change: dict) -> None:
    with database:  # one transaction
        if change["status"] in ("completed", "failed"):
            database.execute(
                "INSERT INTO counts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1",
                (change["workflow_id"], change["status"]),
            )
        database.execute("UPDATE place SET position = ?", (change["position"],))


def events(since: str) -> Iterator[tuple[str, dict]]:
    """The name and the data of each event after a position, until the connection ends."""
    address = f"{os.environ['CASARE_URL']}/api/v1/events?since={urllib.parse.quote(since)}"
    headers = {"Accept": "text/event-stream", "X-API-Secret": os.environ["CASARE_API_SECRET"]}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=SILENT_SECONDS) as response:
        name = ""
        for line in response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def follow(database: sqlite3.Connection) -> None:
    while True:
        (since,) = database.execute("SELECT position FROM place").fetchone()
        try:
            for name, data in events(since):
                if name == "job":
                    handle(database, data)
        except urllib.error.HTTPError as error:
            if error.code not in PASSING:
                sys.exit(f"the orchestrator refused: {error.read().decode()}")
        except (OSError, http.client.HTTPException) as error:
            print(f"connecting again: {error}", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    follow(open_database(sys.argv[1]))
