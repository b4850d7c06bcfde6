"""Submits jobs until SIGTERM, and records them in a journal.

`wanted` is written before the first attempt, `submitted` after the 201. Without an answer, it repeats the submit with
the same Idempotency-Key. After a `kill -9`, it first finishes the unanswered submits of its journal.
"""

import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2

from chaos.journal import Journal, Points, read
from chaos.processes import die_with_parent

RETRY_SECONDS = 0.2
STOP = "submitter@stop"


class Submitter:
    """One submitter with a journal. `rate` is jobs a second."""

    def __init__(self, folder: Path, url: str, secret: str, rate: float, work_seconds: float) -> None:
        self._folder = folder
        self._http = httpx2.Client(base_url=url, headers={"X-API-Secret": secret}, timeout=3.0, trust_env=False)
        self._path = folder / "submitter.jsonl"
        self._journal = Journal(self._path)
        self._points = Points(folder / "points", "submitter")
        self._rate = rate
        self._work_seconds = work_seconds
        self._random = random.Random(f"{os.environ['CHAOS_SEED']} {len(read(self._path))}")
        self._cancels: list[tuple[float, str]] = []

    def run(self) -> None:
        for key, body in self._unfinished():
            self._submit(key, body)
        while not (self._folder / "points" / STOP).exists():
            key, body = uuid.uuid4().hex, self._any_job()
            self._journal.write("wanted", key=key, body=body)
            job_id = self._submit(key, body)
            if self._random.random() < 0.08:
                self._cancels.append((time.monotonic() + self._random.random() * self._work_seconds, job_id))
            while self._cancels and self._cancels[0][0] <= time.monotonic():
                self._cancel(self._cancels.pop(0)[1])
            time.sleep(self._random.expovariate(self._rate))

    def _unfinished(self) -> list[tuple[str, dict[str, Any]]]:
        facts = read(self._path)
        done = {fact["key"] for fact in facts if fact["fact"] == "submitted"}
        return [(f["key"], f["body"]) for f in facts if f["fact"] == "wanted" and f["key"] not in done]

    def _any_job(self) -> dict[str, Any]:
        """Most jobs are short and complete; some fail, some time out, and some may run more than once."""
        chance = self._random.random()
        outcome = "completed" if chance < 0.8 else "error" if chance < 0.9 else "business"
        hangs = self._random.random() < 0.03
        seconds = 600.0 if hangs else self._random.random() * self._work_seconds
        return {
            "workflow_id": "chaos",
            "parameters": {"seconds": seconds, "outcome": outcome},
            "priority": self._random.randint(0, 10),
            "max_attempts": self._random.choice([1, 1, 3]),
            "tags": self._random.choice([[], [], ["odd"], ["even"]]),
            "timeout_seconds": 2 if hangs else 3600,
        }

    def _submit(self, key: str, body: dict[str, Any]) -> str:
        while True:
            response = self._ask("/api/v1/jobs", body, {"Idempotency-Key": key})
            if response is not None and response.status_code == 201:
                job_id = str(response.json()["job_id"])
                self._points.hit("answered")
                self._journal.write("submitted", key=key, job_id=job_id, max_attempts=body["max_attempts"])
                return job_id
            if response is not None and response.status_code < 500:
                self._journal.write("refused", key=key, status=response.status_code, text=response.text)
                raise SystemExit(f"a submit was refused: {response.text}")
            time.sleep(RETRY_SECONDS)

    def _cancel(self, job_id: str) -> None:
        self._journal.write("cancel", job_id=job_id)
        response = self._ask(f"/api/v1/jobs/{job_id}/cancel", {}, {})
        if response is not None:
            self._journal.write("cancel_answered", job_id=job_id, status=response.status_code)

    def _ask(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response | None:
        try:
            return self._http.post(path, json=body, headers=headers)
        except httpx2.HTTPError:
            return None


def main() -> None:
    """Run the submitter with the configuration of the environment."""
    die_with_parent()
    Submitter(
        Path(os.environ["CHAOS_DIR"]),
        os.environ["CHAOS_URL"],
        os.environ["CASARE_API_SECRET"],
        float(os.environ["CHAOS_RATE"]),
        float(os.environ["CHAOS_WORK"]),
    ).run()


if __name__ == "__main__":
    sys.exit(main())
