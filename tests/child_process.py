"""A program that a test runs beside itself."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def child_process(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a program as `subprocess.Popen` does, and wait for its end. A failure inside of the block kills it.

    Without that, a failed assertion waits for the program, and the time limit of the test ends the whole run. The
    program takes SIGINT as in the foreground: a shell starts its background jobs, such as a run of all tests, with
    SIGINT ignored.
    """
    with subprocess.Popen(command, preexec_fn=_take_interrupts, **options) as process, ExitStack() as failure:
        failure.callback(process.kill)
        yield process
        failure.pop_all()


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
