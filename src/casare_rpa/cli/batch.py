"""Many jobs from one file: read whole before anything is sent, then submitted in batches."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from casare_rpa.cli.output import console, emit, speaks_json
from casare_rpa.domain.errors import CasareError

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

BATCH = 1_000


def read_jobs(file: str) -> list[dict[str, Any]]:
    """The jobs in a file, `-` for stdin: a JSON array of objects, or one object a line (blank lines do not count).

    Raises:
        typer.BadParameter: it cannot be read, or holds something else; with the line or the place in the array.
    """
    try:
        text = (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode("utf-8")
        jobs = list(_items(text))
    except OSError as error:
        raise _refusal(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _refusal(f"{file} is not UTF-8 text, from byte {error.start} on") from None
    for place, job in jobs:
        if not isinstance(job, dict):
            raise _refusal(f"{place} is not a JSON object with the fields of a job")
    if not jobs:
        raise _refusal(f"{file} holds no job")
    return [job for _, job in jobs]


def _items(text: str) -> Iterator[tuple[str, Any]]:
    """Each job with where it stands."""
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
    """Submit them in batches; ids go to stdout, progress to stderr. A failure leaves the batches before it submitted.

    Each batch has a key of its own, made of `key` and its number: the same file with the same key again submits
    only what is missing.

    Raises:
        CasareError: a batch was refused or nobody answered; the ids of those before it have been printed.
    """
    progress = Console(stderr=True, soft_wrap=True, highlight=False, quiet=speaks_json())
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
        progress.print(f"stopped after {len(submitted)} of {len(jobs)}: what is printed above has been submitted")
        raise
    finally:
        emit({"items": submitted})
