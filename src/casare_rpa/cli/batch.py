"""Repeatable requests, and the submit of many jobs from one file, which is validated before its first batch is sent."""

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from casare_rpa.cli.input_file import read_input
from casare_rpa.cli.output import HarmlessConsole, console, emit, is_json
from casare_rpa.cli.parameters import read_json
from casare_rpa.domain.errors import CasareError, ConnectFailed

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

BATCH_JOBS = 1_000
BATCH_BYTES = 1024 * 1024
"""The largest body of a request that the orchestrator accepts."""
HINT = "FILE"


def read_jobs(file: str) -> list[dict[str, Any]]:
    """The jobs in a file (`-` = stdin): a JSON array of objects, or one object per line. Blank lines are skipped.

    Raises:
        typer.BadParameter: the file cannot be read or is not valid; names the line or the item.
    """
    jobs = list(_items(read_input(file, HINT)))
    for place, job in jobs:
        if not isinstance(job, dict):
            raise _refusal(f"{place} is not a JSON object with the fields of a job")
        if (size := body_bytes({"jobs": [job]})) > BATCH_BYTES:
            raise _refusal(f"{place} has {size} bytes of JSON; a request has at most {BATCH_BYTES}")
    if not jobs:
        raise _refusal(f"{file} contains no job")
    return [job for _, job in jobs]


def _items(text: str) -> Iterator[tuple[str, Any]]:
    """Each job with its place in the file."""
    if text.lstrip().startswith("["):
        yield from ((f"item {number}", job) for number, job in enumerate(read_json(text, HINT, "the file"), 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", read_json(line, HINT, f"line {number}")


def _refusal(sentence: str) -> typer.BadParameter:
    return typer.BadParameter(sentence, param_hint=HINT)


def body_bytes(document: dict[str, Any]) -> int:
    """The size of a request with this body."""
    from casare_rpa.infrastructure.orchestrator.communication.http_client import encode_body

    return len(encode_body(document))


def batches(jobs: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The jobs in order, in batches that one request can carry. The same jobs are always divided in the same way."""
    batch: list[dict[str, Any]] = []
    empty = body_bytes({"jobs": []})
    size = empty
    for job in jobs:
        more = body_bytes(job) + 1
        if batch and (len(batch) == BATCH_JOBS or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], empty
        batch.append(job)
        size += more
    yield batch


def submit_all(client: "OrchestratorHttpClient", jobs: list[dict[str, Any]], key: str | None) -> None:
    """Submit jobs in batches; ids go to stdout, progress to stderr. Batches before a failure stay submitted.

    Each batch has its own idempotency key, made of `key` and its number: repeating the command with the same file and
    key submits only the missing jobs. Without `key`, a new one is made and named in the error.

    Raises:
        CasareError: a batch was refused or not answered; the ids of earlier batches have been printed.
    """
    progress = HarmlessConsole(stderr=True, quiet=is_json())
    key = key or str(uuid.uuid4())
    submitted: list[dict[str, Any]] = []
    try:
        for number, batch in enumerate(batches(jobs), 1):
            items = client.submit_jobs(batch, idempotency_key=f"{key}-{number}")["items"]
            submitted += items
            for job in items:
                console.print(job["job_id"])
            progress.print(f"{len(submitted)} of {len(jobs)} submitted")
    except CasareError as error:
        progress.print(f"stopped after {len(submitted)} of {len(jobs)}: the jobs printed above are submitted")
        raise with_key(error, key) from None
    finally:
        emit({"items": submitted})


def once(request: Callable[[str], dict[str, Any]], key: str | None) -> dict[str, Any]:
    """What a request with an idempotency key created. Without `key`, a new one is made and named in errors."""
    key = key or str(uuid.uuid4())
    try:
        return request(key)
    except CasareError as error:
        raise with_key(error, key) from None


def with_key(error: CasareError, key: str) -> CasareError:
    """The error; when a request may or may not have taken effect, with the key that makes its repetition safe."""
    if not isinstance(error, ConnectFailed) or not error.retryable:
        return error
    return ConnectFailed(f"{error}; to repeat it without creating anything twice, add --idempotency-key {key}")
