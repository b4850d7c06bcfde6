"""Submits many jobs from one file. The whole file is validated before the first batch is sent."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from casare_rpa.cli.output import HarmlessConsole, console, emit, is_json
from casare_rpa.domain.errors import CasareError

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

BATCH = 1_000


def read_jobs(file: str) -> list[dict[str, Any]]:
    """The jobs in a file (`-` = stdin): a JSON array of objects, or one object per line. Blank lines are skipped.

    Raises:
        typer.BadParameter: the file cannot be read or is not valid; names the line or the item.
    """
    try:
        text = (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode("utf-8")
        jobs = list(_items(text))
    except OSError as error:
        raise _refusal(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _refusal(f"{file} is not UTF-8 text (byte {error.start})") from None
    for place, job in jobs:
        if not isinstance(job, dict):
            raise _refusal(f"{place} is not a JSON object with the fields of a job")
    if not jobs:
        raise _refusal(f"{file} contains no job")
    return [job for _, job in jobs]


def _items(text: str) -> Iterator[tuple[str, Any]]:
    """Each job with its place in the file."""
    if text.lstrip().startswith("["):
        try:
            yield from ((f"item {number}", job) for number, job in enumerate(json.loads(text), 1))
        except json.JSONDecodeError as error:
            raise _refusal(f"not JSON: {error}") from None
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except json.JSONDecodeError as error:
                raise _refusal(f"line {number} is not JSON: {error.msg} (column {error.colno})") from None


def _refusal(sentence: str) -> typer.BadParameter:
    return typer.BadParameter(sentence, param_hint="FILE")


def submit_all(client: "OrchestratorHttpClient", jobs: list[dict[str, Any]], key: str | None) -> None:
    """Submit jobs in batches; ids go to stdout, progress to stderr. Batches before a failure stay submitted.

    Each batch has its own idempotency key, made of `key` and its number: repeating the command with the same file and
    key submits only the missing jobs.

    Raises:
        CasareError: a batch was refused or not answered; the ids of earlier batches have been printed.
    """
    progress = HarmlessConsole(stderr=True, quiet=is_json())
    submitted: list[dict[str, Any]] = []
    try:
        for start in range(0, len(jobs), BATCH):
            batch_key = None if key is None else f"{key}-{start // BATCH + 1}"
            items = client.submit_jobs(jobs[start : start + BATCH], idempotency_key=batch_key)["items"]
            submitted += items
            for job in items:
                console.print(job["job_id"])
            progress.print(f"{len(submitted)} of {len(jobs)} submitted")
    except CasareError:
        progress.print(f"stopped after {len(submitted)} of {len(jobs)}: the jobs printed above are submitted")
        raise
    finally:
        emit({"items": submitted})
