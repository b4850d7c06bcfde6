"""`casare doctor` on a PostgreSQL server: each check on described servers, and all of them on real ones."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli import checks_database as checks
from casare_rpa.cli.check import Check, Verdict
from casare_rpa.domain.store_facts import DatabaseServerFacts, OpenTransaction
from cli.running import casare, documented_checks
from postgres_server import DEBIAN, free_port, running

pytestmark = pytest.mark.slow

OK, WARNING, PROBLEM = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM
GOOD = DatabaseServerFacts(
    version="15.14",
    major=15,
    max_connections=97,
    open_connections=85,
    fsync=True,
    full_page_writes=True,
    autovacuum=True,
    synchronous_commit="on",
    synchronous_standbys="",
    standbys=(),
    oldest=None,
    seconds_ahead=0.0,
)
SYNCHRONOUS = replace(GOOD, synchronous_standbys="standby", standbys=(("standby", "sync"),))


def old(seconds: float | None, transactions: int) -> DatabaseServerFacts:
    return replace(GOOD, oldest=OpenTransaction("pg_dump (process 7)", seconds, transactions))


@pytest.mark.parametrize(
    ("check", "facts", "verdict", "words"),
    [
        (checks.version, replace(GOOD, major=14, version="14.2"), PROBLEM, "14.2 is too old"),
        (checks.version, GOOD, OK, "15.14"),
        (checks.version, replace(GOOD, major=18, version="18.0"), OK, "18.0"),
        (checks.version, replace(GOOD, major=19, version="19.0"), WARNING, "newest tested"),
        (checks.durability, GOOD, OK, "waits for the disk"),
        (checks.durability, replace(GOOD, fsync=False), PROBLEM, "SET fsync = on"),
        (checks.durability, replace(GOOD, full_page_writes=False), PROBLEM, "SET full_page_writes = on"),
        (checks.durability, replace(GOOD, synchronous_commit="off"), OK, "its own connections"),
        (checks.standbys, GOOD, OK, "No standby"),
        (checks.standbys, SYNCHRONOUS, OK, "standby (sync)"),
        (checks.standbys, replace(SYNCHRONOUS, standbys=(("a", "async"), ("b", "quorum"))), OK, "b (quorum)"),
        (checks.standbys, replace(GOOD, standbys=(("a", "async"),)), WARNING, 'ANY 1 ("a")'),
        (checks.standbys, replace(SYNCHRONOUS, standbys=()), PROBLEM, "every write waits"),
        (checks.connections, GOOD, OK, "85 of 97"),
        (checks.connections, replace(GOOD, open_connections=86), WARNING, "max_connections"),
        (checks.oldest_transaction, GOOD, OK, "No other"),
        (checks.oldest_transaction, old(299.0, 999_999), OK, "299 s"),
        (checks.oldest_transaction, old(300.0, 1), WARNING, "pg_dump (process 7)"),
        (checks.oldest_transaction, old(None, 1_000_000), WARNING, "1000000 transactions"),
        (checks.autovacuum, GOOD, OK, "on"),
        (checks.autovacuum, replace(GOOD, autovacuum=False), PROBLEM, "SET autovacuum = on"),
        (checks.clock, replace(GOOD, seconds_ahead=1.9), OK, "agrees"),
        (checks.clock, replace(GOOD, seconds_ahead=2.0), WARNING, "2 s ahead of"),
        (checks.clock, replace(GOOD, seconds_ahead=-60.0), WARNING, "60 s behind"),
    ],
)
def test_check(check: Any, facts: DatabaseServerFacts, verdict: Verdict, words: str) -> None:
    found: Check = check(facts)
    assert found.verdict is verdict, found
    assert words in found.sentence + found.next_step
    assert found.sentence.endswith(".")
    assert bool(found.next_step) is (verdict is not OK)


def doctor(folder: Path, url: str, **environment: str) -> dict[str, dict[str, Any]]:
    environment |= {"CASARE_DATABASE_URL": url}
    shown = casare("doctor", "--json", "--data-dir", str(folder), "--url", "http://127.0.0.1:1", **environment)
    return {check["name"]: check for check in json.loads(shown.stdout)["checks"]}


def test_real_server_is_checked_and_every_check_is_documented(tmp_path: Path) -> None:
    names = documented_checks("With a `CASARE_DATABASE_URL`", "\n## ")
    found = doctor(tmp_path, running(DEBIAN).url())
    assert [name for name in found if name in names] == names
    assert found["database"]["verdict"] == "ok"
    assert re.match(r"PostgreSQL 1\d", found["database"]["sentence"])
    assert found["durability"]["verdict"] == "problem", "the server of the tests has fsync off"
    assert found["database clock"]["verdict"] == "ok"


def test_instance_that_others_cannot_ask_is_warned_of(tmp_path: Path) -> None:
    url = f"postgresql://casare@127.0.0.1:{free_port()}/casare"
    found = doctor(tmp_path, url)["instance address"]
    assert found["verdict"] == "warning"
    assert "http://127.0.0.1:8000 leads to 127.0.0.1" in found["sentence"]
    assert "Set CASARE_INSTANCE_ADDRESS" in found["next_step"]
    found = doctor(tmp_path, url, CASARE_INSTANCE_ADDRESS="http://192.0.2.5:8000")["instance address"]
    assert (found["verdict"], found["next_step"]) == ("ok", "")


def test_database_that_does_not_answer_is_a_problem_without_its_password(tmp_path: Path) -> None:
    found = doctor(tmp_path, f"postgresql://casare:a-password@127.0.0.1:{free_port()}/casare")
    assert found["database"]["verdict"] == "problem"
    assert "Connect" in found["database"]["sentence"]
    assert "a-password" not in json.dumps(found)
    assert "durability" not in found
