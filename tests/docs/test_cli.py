"""The reference of the command line names exactly the existing commands, flags and exit codes."""

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
EXIT_CODES = {(int(code), name) for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.MULTILINE)}


def documented() -> dict[str, set[str]]:
    """The commands of the page with their flags."""
    rows = re.findall(r"^\| `(casare [a-z-]+(?: [a-z]+[a-z-]*)?)([^`]*)`", PAGE, re.MULTILINE)
    return {name: set(re.findall(r"--[a-z-]+", rest)) for name, rest in rows}


def real(command: Any, path: str = "casare") -> dict[str, set[str]]:
    """Every command under this one with its flags; for a flag with two names, the name on the page."""
    if hasattr(command, "commands"):
        found = (real(child, f"{path} {name}") for name, child in command.commands.items())
        return {name: flags for part in found for name, flags in part.items()}
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    flags = {flag for option in options for flag in option.opts if flag.startswith("--")}
    return {path: flags - {"--help", "--param"}}


def differences(pages: dict[str, set[str]], code: dict[str, set[str]]) -> list[str]:
    """Differences between the page and the code. `--url` is documented once for all commands."""
    found = [f"{name}: {'documented' if name in pages else 'undocumented'}" for name in pages.keys() ^ code.keys()]
    for name in pages.keys() & code.keys():
        found += [f"{name} {flag}" for flag in pages[name] ^ code[name] if flag != "--url"]
    return sorted(found)


def test_every_command_and_flag_is_documented_and_no_other() -> None:
    assert differences(documented(), real(typer.main.get_command(app))) == []


def test_undocumented_command_and_flag_are_detected() -> None:
    planted = typer.Typer()

    @planted.command()
    def sing(*, loudly: Annotated[bool, typer.Option("--loudly")] = False) -> None:
        """Is not documented."""

    @planted.command()
    def hum() -> None:
        """Is not documented either."""

    code = real(typer.main.get_command(planted))
    assert differences({"casare sing": {"--softly"}}, code) == [
        "casare hum: undocumented",
        "casare sing --loudly",
        "casare sing --softly",
    ]


def test_commands_that_take_a_url_are_named() -> None:
    code = real(typer.main.get_command(app))
    without = {name for name, flags in code.items() if "--url" not in flags}
    assert without == {
        "casare up",
        "casare serve",
        "casare db copy",
        "casare db restored",
        "casare db size",
        "casare db contract",
        "casare secrets new",
    }
    assert "All commands except `up`, `serve`, `db` and `secrets` take `--url`." in PAGE


@pytest.mark.parametrize("code", Exit)
def test_exit_code_is_documented(code: Exit) -> None:
    assert (int(code), code.name) in EXIT_CODES


def test_no_other_exit_code_is_documented() -> None:
    assert {number for number, _ in EXIT_CODES} == {int(code) for code in Exit}
