"""The reference of the command line names every command, flag and exit code, and no other."""

import re
from pathlib import Path
from typing import Any

import typer

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.main import app

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()


def commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Every command under this one with its full name."""
    if hasattr(command, "commands"):
        return [found for name, child in command.commands.items() for found in commands(child, f"{path} {name}")]
    return [(path, command)]


def test_every_command_and_flag_is_documented_and_no_other() -> None:
    rows = {
        match[1]: match[0]
        for line in REFERENCE.splitlines()
        if (match := re.match(r"\| `(casare [a-z]+(?: [a-z]+)?)", line))
    }
    found = commands(typer.main.get_command(app), "casare")
    assert sorted(rows) == sorted(name for name, _ in found)
    for name, command in found:
        line = next(line for line in REFERENCE.splitlines() if line.startswith(f"| `{name}"))
        documented = set(re.findall(r"--[a-z-]+", line.split("` |")[0]))
        real = {
            flag
            for parameter in command.params
            if parameter.param_type_name == "option"
            for flag in parameter.opts
            if flag.startswith("--") and flag != "--help"
        }
        assert documented == real - {"--url", "--param"} | ({"--url"} & documented), name


def test_every_exit_code_is_documented_and_no_other() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", REFERENCE, re.MULTILINE)}
    assert documented == {int(code) for code in Exit}
