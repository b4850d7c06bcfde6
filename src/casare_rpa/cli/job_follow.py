"""Follows a job: prints its log and state until it ends, also across a restart of the orchestrator."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from casare_rpa.cli.output import (
    PAGE,
    HarmlessConsole,
    console,
    emit,
    is_json,
    log_line,
    on_terminal,
    state_line,
)
from casare_rpa.domain.errors import ConnectFailed, Rejected
from casare_rpa.domain.printable import one_line

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

POLL_SECONDS = 0.25
RECONNECT_SECONDS = 600.0
"""The time for which requests to an orchestrator that does not answer are repeated."""
MESSAGE_LENGTH = 40
ENDED = ("completed", "failed")
PASSING_STATUS = (429, 502, 503, 504)
"""HTTP status of an orchestrator that is starting or overloaded, or of the proxy in front of it."""


class JobFollower:
    """Prints one job's log and progress from the start.

    With `--json` it prints lines `{"type": "log", "log": …}` and `{"type": "job", "job": …}`; the last line of
    an ended job has the type `job_ended`.
    """

    def __init__(
        self,
        client: "OrchestratorHttpClient",
        job_id: str,
        *,
        debug: bool = False,
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        """`reconnect_seconds` of 0 raises the first failure of the connection."""
        self._client = client
        self._job_id = job_id
        self._debug = debug
        self._reconnect_seconds = reconnect_seconds
        self._errors = HarmlessConsole(stderr=True, quiet=is_json())
        self._cursor: str | None = None
        self._printed: tuple[object, ...] = ()
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def print_once(self) -> dict[str, Any]:
        """Print the stored lines and the state, and return the job."""
        job, _ = self._print_news()
        return job

    def print_until_end(self) -> dict[str, Any]:
        """Print until the job ends, and return it. Ctrl-C says that the job continues, and raises."""
        console.print(f"{self._client.shown_url}/jobs/{one_line(self._job_id)}", style="dim")
        try:
            with self._progress_bar():
                while True:
                    job, ended = self._with_patience(self._print_news)
                    if ended:
                        return job
                    time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self._errors.print(
                f"\nThe job continues. To follow it again: casare job logs {self._job_id} --follow; "
                f"to cancel it: casare job cancel {self._job_id}"
            )
            raise

    def _print_news(self) -> tuple[dict[str, Any], bool]:
        """Print new lines and a changed state. The job and whether it has ended."""
        job = self._client.get_job(self._job_id)
        ended = job["status"] in ENDED
        self._print_new_lines()
        state = (job["status"], job["robot_id"], round(float(job["progress"])))
        if state != self._printed:
            self._show_state(job, changed_step=state[:2] != self._printed[:2])
            self._printed = state
        if ended:
            self._print_new_lines()
            emit({"type": "job_ended", "job": job})
        return job, ended

    def _show_state(self, job: dict[str, Any], *, changed_step: bool) -> None:
        """A bar shows progress in place; lines show it otherwise."""
        if job["status"] not in ENDED:
            emit({"type": "job", "job": job})
        if self._bar is not None:
            message = one_line(job.get("message") or "")[:MESSAGE_LENGTH]
            self._bar.update(self._task, completed=float(job["progress"]), description=job["status"], message=message)
        if changed_step or self._bar is None:
            console.print(state_line(job))

    def _print_new_lines(self) -> None:
        while True:
            page = self._client.job_logs(self._job_id, cursor=self._cursor, limit=PAGE)
            for item in page["items"]:
                if self._debug or item["level"] != "DEBUG":
                    emit({"type": "log", "log": item})
                    log_line(item)
            self._cursor = page["next_cursor"] or self._cursor
            if len(page["items"]) < PAGE:
                return

    def _with_patience(self, step: Callable[[], tuple[dict[str, Any], bool]]) -> tuple[dict[str, Any], bool]:
        """The result of a step, repeated while the orchestrator does not answer.

        Raises:
            ConnectFailed: it has not answered for `reconnect_seconds`, or another attempt cannot succeed.
        """
        until, said = time.monotonic() + self._reconnect_seconds, False
        while True:
            try:
                result = step()
            except (ConnectFailed, Rejected) as error:
                if not _passes(error) or time.monotonic() >= until:
                    raise
                if not said:
                    self._errors.print(f"no answer from {self._client.shown_url}; the job continues, trying again")
                said = True
                time.sleep(POLL_SECONDS)
            else:
                if said:
                    self._errors.print("connected again")
                return result

    @contextmanager
    def _progress_bar(self) -> Iterator[None]:
        """A bar below the log, on a terminal only."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[message]}", style="dim"),
            console=console,
            transient=True,
            redirect_stderr=False,
        )
        with bar if on_terminal() and sys.stderr.isatty() else nullcontext() as shown:
            self._bar = shown
            if shown is not None:
                self._task = shown.add_task("pending", total=100, message="")
            try:
                yield
            finally:
                self._bar = None


def _passes(error: ConnectFailed | Rejected) -> bool:
    """Whether the same request can succeed later."""
    return error.retryable if isinstance(error, ConnectFailed) else error.status in PASSING_STATUS
