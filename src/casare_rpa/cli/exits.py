"""Exit codes, and how an error becomes one: a sentence that says what to do next, never a traceback."""

import sys
from collections.abc import Callable
from enum import IntEnum

import typer

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, InvalidSettings, Rejected


class Exit(IntEnum):
    """What `casare` answers to the shell. Documented in docs/reference/cli.md."""

    OK = 0
    FAILED = 1
    """The job did not complete, or the request was refused."""
    USAGE = 2
    """The command line or a setting is wrong."""
    UNREACHABLE = 3
    """No orchestrator answers there."""
    NOT_ALLOWED = 4
    """The credential is missing or wrong."""
    INTERRUPTED = 130
    """Ctrl-C."""


def report_errors(run: Callable[[], object]) -> int:
    """Run the command; answers its exit code, having printed why when it is not 0."""
    try:
        run()
    except SystemExit as end:
        if isinstance(end.__context__, typer.Abort):
            return Exit.INTERRUPTED
        return end.code if isinstance(end.code, int) else Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except CasareError as error:
        print(f"casare: {error}", file=sys.stderr)
        return exit_code(error)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("casare_rpa"):
            raise
        print(f"casare: this needs the package {error.name!r}: pip install 'casare-rpa[all]'", file=sys.stderr)
        return Exit.USAGE
    return Exit.OK


def exit_code(error: CasareError) -> Exit:
    """The exit code of an error of ours."""
    if isinstance(error, ConnectFailed):
        return Exit.UNREACHABLE
    if isinstance(error, InvalidSettings):
        return Exit.USAGE
    if isinstance(error, AuthError) or (isinstance(error, Rejected) and error.error_code == "AUTH_FAILED"):
        return Exit.NOT_ALLOWED
    return Exit.FAILED
