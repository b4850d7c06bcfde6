"""Processes of the server on one PostgreSQL database: names, secrets and the list of instances."""

import json
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit
from cli.running import casare, document
from contract.server_process import ADMIN_SECRET, JWT_SECRET, PASSWORD, Server, serving
from postgres_server import DEBIAN
from storage.postgres_database import empty_database

pytestmark = [pytest.mark.slow, pytest.mark.long]
SECRETS = {"CASARE_API_SECRET": ADMIN_SECRET, "CASARE_JWT_SECRET": JWT_SECRET, "CASARE_ADMIN_PASSWORD": PASSWORD}


@pytest.fixture
def database() -> str:
    return empty_database(DEBIAN)


def refusal(folder: Path, database: str, name: str, **secrets: str) -> str:
    """The error with which `casare serve` ends, which must be one of the settings."""
    environment = {**SECRETS, "CASARE_DATABASE_URL": database, "CASARE_INSTANCE_NAME": name, **secrets}
    ended = casare("serve", "--port", "0", "--data-dir", str(folder), "--json", **environment)
    assert ended.returncode == Exit.USAGE, ended.stdout + ended.stderr
    message: str = json.loads(ended.stderr.splitlines()[-1])["error"]["message"]
    return message


def listed(server: Server) -> dict[str, Any]:
    """The instances by their names, as `casare status` prints them."""
    return {one["name"]: one for one in document(casare("status", "--json", url=server.url))["items"]}


def test_two_instances_see_each_other_and_a_third_one_must_fit(tmp_path: Path, database: str) -> None:
    north = {"CASARE_DATABASE_URL": database, "CASARE_INSTANCE_NAME": "north"}
    with (
        serving(tmp_path / "a", **north) as first,
        serving(tmp_path / "b", **{**north, "CASARE_INSTANCE_NAME": "south"}) as second,
    ):
        for server, name in ((first, "north"), (second, "south")):
            found = listed(server)
            assert set(found) == {"north", "south"}
            assert [one["name"] for one in found.values() if one["answered"]] == [name]
            assert {(one["state"], one["store"]) for one in found.values()} == {("running", "postgresql")}
        assert listed(first)["south"]["address"] == second.url
        assert "CASARE_INSTANCE_NAME: an instance with the name south runs" in refusal(tmp_path, database, "south")
        for name in SECRETS:
            sentence = refusal(tmp_path, database, "west", **{name: f"another-{SECRETS[name]}"})
            assert sentence.startswith(f"{name}: it differs from that of the instance ")
            assert ADMIN_SECRET not in sentence
        assert set(listed(first)) == {"north", "south"}, "a refused one leaves nothing"
        second.ask_to_stop()
        assert second.wait() == Exit.OK
        assert set(listed(first)) == {"north"}, "it has departed"


def test_killed_instance_starts_again_at_once_with_its_name(tmp_path: Path, database: str) -> None:
    north = {"CASARE_DATABASE_URL": database, "CASARE_INSTANCE_NAME": "north"}
    with serving(tmp_path, **north) as first:
        (before,) = listed(first).values()
        first.process.kill()
        first.wait()
        with serving(tmp_path, **north) as second:
            shown = casare("status", "--json", url=second.url)  # perhaps the row of the killed process is silent
            found = json.loads(shown.stdout)["items"]
            assert {one["name"] for one in found} == {"north"}
            (answered,) = [one for one in found if one["answered"]]
            assert answered["state"] == "running"
            assert answered["instance_id"] != before["instance_id"]
