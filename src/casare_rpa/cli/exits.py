"""Exit codes, and the mapping from errors to them. Errors are printed as a sentence, never as a traceback."""

import itertools
import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum

import typer

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, InvalidSettings, Rejected
from casare_rpa.domain.printable import harmless_record


class Exit(IntEnum):
    """Exit codes of `casare`. Source: docs/reference/cli.md."""

    OK = 0
    FAILED = 1
    """The job did not complete, or the request was refused."""
    USAGE = 2
    """The command line or a setting is wrong."""
    UNREACHABLE = 3
    """No orchestrator answers at the address."""
    NOT_ALLOWED = 4
    """The credential is missing or wrong."""
    INTERRUPTED = 130
    """Ctrl-C."""


def report_errors(run: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code. The reason of a failure is printed on stderr.

    With `--json` it is one object, `{"error": {"code", "message", "exit_code"}}`.
    """
    # An invalid command line has no parsed flags, so --json is looked up in the raw arguments.
    as_json = "--json" in list(itertools.takewhile(lambda word: word != "--", arguments))
    try:
        ended = run(args=list(arguments), prog_name="casare", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.OK
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except typer.TyperException as error:
        return _usage_error(error, as_json=as_json)
    except CasareError as error:
        code = error.error_code if isinstance(error, Rejected) else None
        return _print_error(str(error), exit_code(error), code, as_json=as_json)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("casare_rpa"):
            raise
        return _print_error(_install(error.name), Exit.USAGE, as_json=as_json)
    return ended if isinstance(ended, int) else Exit.OK


def _reader_gone() -> Exit:
    """The exit code when the reader of a pipe, such as `head`, has ended. The buffered rest is dropped."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED


def _usage_error(error: typer.TyperException, *, as_json: bool) -> Exit:
    """Print the sentence for an invalid command line; for a group without a command, its help."""
    context = getattr(error, "ctx", None)
    sentence = error.format_message().replace(": Value error, ", ": ")
    if as_json or context is None:
        return _print_error(sentence, Exit(error.exit_code), as_json=as_json)
    if sentence == context.get_help():
        print(sentence, file=sys.stderr)
        return Exit(error.exit_code)
    return _print_error(f"{sentence.rstrip('.')}; see {context.command_path} --help", Exit.USAGE, as_json=False)


def _print_error(message: str, code: Exit, error_code: str | None = None, *, as_json: bool) -> Exit:
    if as_json:
        error = {"code": error_code or code.name, "message": message, "exit_code": int(code)}
        print(json.dumps({"error": error}), file=sys.stderr)
    else:
        print(f"casare: {harmless_record(message)}", file=sys.stderr)
    return code


def _install(package: str) -> str:
    """The command that installs a missing package. Every optional package but `robot` belongs to the server."""
    extra = "robotframework" if package == "robot" else "server"
    return f"this needs the package {package!r}: pip install 'casare-rpa[{extra}]'"


def exit_code(error: CasareError) -> Exit:
    if isinstance(error, ConnectFailed):
        return Exit.UNREACHABLE
    if isinstance(error, InvalidSettings):
        return Exit.USAGE
    if isinstance(error, AuthError) or (isinstance(error, Rejected) and error.error_code == "AUTH_FAILED"):
        return Exit.NOT_ALLOWED
    return Exit.FAILED
