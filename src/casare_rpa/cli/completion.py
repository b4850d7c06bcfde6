"""Values that the Tab key completes: ids and names in the orchestrator. None if no orchestrator answers."""

from collections.abc import Callable, Iterable
from typing import Any

import typer

from casare_rpa.domain.errors import CasareError

TIMEOUT_SECONDS = 2.0
NEWEST_JOBS = 100
FAILURE_MINUTES = 7 * 24 * 60

Client = Any


def _completer(names: Callable[[Client], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    """A completion function of Typer for the names that a request returns."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        from casare_rpa.cli.local import admin_client

        try:
            client = admin_client(context.params.get("url"), timeout_seconds=TIMEOUT_SECONDS)
            return [name for name in names(client) if name.startswith(incomplete)]
        except CasareError:
            return []  # a message would appear in the middle of the line that the user types

    return complete


complete_job = _completer(lambda client: [job["job_id"] for job in client.list_jobs(limit=NEWEST_JOBS)["items"]])
complete_robot = _completer(lambda client: [robot["robot_id"] for robot in client.list_robots()["items"]])
complete_queue = _completer(lambda client: [queue["queue"] for queue in client.list_queues()["items"]])
complete_failure = _completer(
    lambda client: [group["fingerprint"] for group in client.list_failures(minutes=FAILURE_MINUTES)["items"]]
)
complete_workflow = _completer(
    lambda client: sorted(
        {workflow["workflow_id"] for workflow in client.list_workflows()["items"]}.union(
            *(robot["workflows"] or () for robot in client.list_robots()["items"])
        )
    )
)
