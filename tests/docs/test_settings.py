"""docs/reference/settings.md names every setting, with the default of the code."""

import re
from pathlib import Path

import pytest

from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.settings import MIN_JWT_SECRET_BYTES, MIN_SECRET_LENGTH, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
ORCHESTRATOR = PAGE.partition("## Orchestrator")[2].partition("\n## ")[0]
ROWS = {
    match[1].lower(): [cell.strip() for cell in match[2].split("|")]
    for match in re.finditer(r"^\| `CASARE_(\w+)` \|(.*)\|$", ORCHESTRATOR, re.MULTILINE)
}
SECRETS = ("api_secret", "jwt_secret", "admin_password")


def shown(value: object) -> str:
    """A default as the page writes it."""
    match value:
        case RateLimit():
            return f"`{value.per_second:.15g}:{value.burst:.15g}`"
        case "" | ():
            return "none"
        case bool():
            return "`yes`" if value else "`no`"
        case float():
            return f"`{value:g}`"
    return f"`{value}`"


def undocumented(variables: set[str], pages: str) -> set[str]:
    """The variables that no page names."""
    return variables - set(re.findall(r"`(CASARE_[A-Z_]*[A-Z])`", pages))


def test_every_setting_is_named_and_nothing_else() -> None:
    assert set(ROWS) == set(Settings.model_fields)


def test_every_variable_in_the_code_is_on_a_page() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    variables = set(re.findall(r"CASARE_[A-Z_]*[A-Z]", source))
    assert {"CASARE_API_KEY", "CASARE_ROBOT_ID", "CASARE_JOB_ID"} <= variables
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    assert undocumented(variables | {f"CASARE_{name.upper()}" for name in Settings.model_fields}, pages) == set()


def test_undocumented_variable_is_detected() -> None:
    assert undocumented({"CASARE_PORT", "CASARE_PLANTED"}, PAGE) == {"CASARE_PLANTED"}


def test_undocumented_setting_is_detected() -> None:
    class Planted(Settings):
        planted: int = 1

    assert set(Planted.model_fields) - set(ROWS) == {"planted"}


ABSENT = {
    "database_url": "`casare.db` in the data directory",
    "instance_name": "host name and port",
    "instance_address": "host and port to listen on",
    "bus_url": "`LISTEN` of the PostgreSQL database",
    "bus_credentials": "none",
    "wheelhouse": "none",
}
"""The words for a setting without a default."""


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name not in (*SECRETS, "data_dir")])
def test_default_is_that_of_the_code(name: str) -> None:
    default = Settings.model_fields[name].default
    expected = ABSENT[name] if default is None else shown(default)
    assert ROWS[name][0] == expected


@pytest.mark.parametrize("name", SECRETS)
def test_defaults_and_lengths_of_secrets_are_documented(name: str) -> None:
    length = f"{MIN_JWT_SECRET_BYTES} bytes" if name == "jwt_secret" else f"{MIN_SECRET_LENGTH} characters"
    assert ROWS[name][:2] == ["generated", f"at least {length}"]
    assert f"| `{name}` | `CASARE_{name.upper()}` |" in PAGE


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_has_a_unit_and_a_meaning_in_page_and_code(name: str) -> None:
    assert len(ROWS[name]) == 3
    assert all(ROWS[name])
    assert ROWS[name][2].endswith(".")
    assert Settings.model_fields[name].description
