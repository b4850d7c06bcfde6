"""`casare doctor`: each check gives a verdict, a sentence and a next step, on any described machine."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli import checks_machine as machine
from casare_rpa.cli import checks_network as network
from casare_rpa.cli.check import Check, Verdict
from casare_rpa.cli.checks_network import Answer
from casare_rpa.cli.exits import Exit
from casare_rpa.domain.errors import AuthError, ConnectFailed
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from cli.fake_orchestrator import answering
from cli.running import casare, documented_checks
from contract.server_process import ADMIN_SECRET, serving

OK, WARNING, PROBLEM = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM
FAR = parse_address("https://rpa.example.com")
HERE = parse_address("http://127.0.0.1:8000")
READY = Answer(200, is_ours=True, ahead_seconds=0.2)


def judged(check: Check, verdict: Verdict, *words: str) -> None:
    assert check.verdict is verdict, check
    assert all(word in check.sentence + check.next_step for word in words), check
    assert check.sentence.endswith(".")
    assert check.next_step or verdict is OK, "a warning has a next step"


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10, 9), PROBLEM), ((3, 11, 6), WARNING), ((3, 11, 7), OK), ((3, 13, 1), OK), ((4, 0, 0), OK)],
)
def test_python(version: tuple[int, ...], verdict: Verdict) -> None:
    judged(machine.python(version), verdict, ".".join(map(str, version)))


@pytest.mark.parametrize(
    ("version", "verdict", "words"),
    [
        ((3, 36, 0), PROBLEM, "STRICT"),
        ((3, 37, 0), WARNING, "one connection"),
        ((3, 51, 2), WARNING, "fixed in 3.51.3"),
        ((3, 51, 3), OK, "3.51.3"),
    ],
)
def test_sqlite_version_and_its_bug(version: tuple[int, int, int], verdict: Verdict, words: str) -> None:
    judged(machine.sqlite_version(version), verdict, words)


@pytest.mark.parametrize(
    ("addresses", "verdict", "words"),
    [
        (["10.0.0.5"], OK, "ask this one at http://north:8000"),
        (["127.0.1.1", "10.0.0.5"], OK, "ask this one at http://north:8000"),
        (["127.0.1.1", "::1"], WARNING, "leads to 127.0.1.1, ::1 on this machine"),
        ([], WARNING, "http://north:8000 has no address on this machine"),
    ],
)
def test_address_at_which_other_instances_ask(addresses: list[str], verdict: Verdict, words: str) -> None:
    judged(network.instance_address("http://north:8000", addresses), verdict, words)


def test_addresses_of_a_host() -> None:
    assert network.addresses_of("127.0.0.1") == ["127.0.0.1"]
    assert network.addresses_of("unknown.invalid") == []


def test_sqlite_features() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        judged(machine.sqlite_features(database.execute), OK)

    def without_json(statement: str) -> None:
        if "json_each" in statement:
            raise sqlite3.OperationalError("no such table: json_each")

    judged(machine.sqlite_features(without_json), PROBLEM, "json_each")


def test_packages_of_a_bare_a_whole_and_a_broken_install() -> None:
    whole = {*machine.SERVER_MODULES, "robot"}
    judged(machine.packages(whole), OK, "can run here")
    judged(machine.packages({"robot"}), OK, "bare install", "casare-rpa[server]")
    judged(machine.packages(whole - {"robot"}), OK, "casare-rpa[robotframework]")
    judged(machine.packages(whole - {"uvicorn"}), PROBLEM, "uvicorn")


def test_data_directory(tmp_path: Path) -> None:
    judged(machine.data_dir(tmp_path), OK, "is writable")
    judged(machine.data_dir(tmp_path / "a" / "b"), OK, "will be created")
    (tmp_path / "file").write_text("")
    judged(machine.data_dir(tmp_path / "file"), PROBLEM, "Not a directory", "--data-dir")
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "no file is left"


def test_disk_is_low_below_one_gibibyte(tmp_path: Path) -> None:
    judged(machine.disk(1024**3, tmp_path), OK, "1.0 GiB")
    judged(machine.disk(1024**3 - 1, tmp_path), WARNING, "Free disk space")


def test_open_files_are_few_below_4096() -> None:
    judged(machine.open_files(None), OK, "does not limit")
    judged(machine.open_files(4096), OK, "4096 files")
    judged(machine.open_files(1024), WARNING, "each connection needs one", "LimitNOFILE=")


MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/export /srv nfs4 rw 0 0
/dev/sdb1 /srv/local xfs rw 0 0
//server/share /mnt/the\040share cifs rw 0 0
user@host:/ /mnt/ssh fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "verdict", "kind"),
    [
        ("/var/lib/casare", OK, "ext4"),
        ("/srv/casare", WARNING, "nfs4"),
        ("/srv/local/casare", OK, "xfs"),
        ("/srv-not", OK, "ext4"),
        ("/mnt/the share/casare", WARNING, "cifs"),
        ("/mnt/ssh", WARNING, "fuse.sshfs"),
    ],
)
def test_network_share_is_a_warning(path: str, verdict: Verdict, kind: str) -> None:
    judged(machine.filesystem(Path(path), MOUNTS), verdict, kind)


def test_filesystem_is_not_checked_without_mounts() -> None:
    judged(machine.filesystem(Path("/data"), None), OK, "Not checked")


@pytest.mark.parametrize("name", [*machine.SECRET_FILES, "robot-local.key"])
def test_secret_that_others_can_read_is_a_problem_and_not_shown(tmp_path: Path, name: str) -> None:
    judged(machine.secret_files(tmp_path, posix=True), OK, "contains no secrets")
    (tmp_path / name).write_text("the-secret-itself")
    (tmp_path / name).chmod(0o600)
    judged(machine.secret_files(tmp_path, posix=True), OK, "1 secrets")
    (tmp_path / name).chmod(0o640)
    found = machine.secret_files(tmp_path, posix=True)
    judged(found, PROBLEM, "chmod 600", name)
    assert "the-secret-itself" not in repr(found)
    judged(machine.secret_files(tmp_path, posix=False), OK, "Not checked")


@pytest.mark.parametrize("name", ["casare.db", "casare.db-wal", "robot/journal.db", "robot/journal-2.db-shm"])
def test_database_that_others_can_read_is_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / "robot").mkdir()
    judged(machine.databases(tmp_path, posix=True), OK, "contains no database")
    (tmp_path / name).touch(mode=0o600)
    judged(machine.databases(tmp_path, posix=True), OK, "1 database files")
    (tmp_path / name).chmod(0o644)
    judged(machine.databases(tmp_path, posix=True), PROBLEM, "chmod 600", name)
    judged(machine.databases(tmp_path, posix=False), OK, "Not checked")


def test_port_is_free_or_used_by_an_orchestrator_or_another_program() -> None:
    stranger = Answer(404, is_ours=False, ahead_seconds=None)
    judged(network.port(8000, None, None, needed=True), OK, "free")
    judged(network.port(8000, "in use", READY, needed=True), OK, "An orchestrator listens")
    for other in (None, stranger):
        judged(network.port(8000, "in use", other, needed=True), PROBLEM, "in use", "--port")
        judged(network.port(8000, "in use", other, needed=False), OK)


def test_given_orchestrator_that_does_not_answer_is_a_warning() -> None:
    judged(network.orchestrator(HERE, None, named=False), OK, "casare up")
    judged(network.orchestrator(FAR, None, named=True), WARNING, "https://rpa.example.com")
    judged(network.orchestrator(HERE, READY, named=True), OK, "ready")
    judged(network.orchestrator(HERE, Answer(503, is_ours=True, ahead_seconds=None), named=True), PROBLEM, "not ready")
    judged(network.orchestrator(HERE, Answer(200, is_ours=False, ahead_seconds=0), named=True), PROBLEM, "answered 200")


READY_BODIES = [
    (200, {"status": "ok"}, OK, "is ready."),
    (200, {"status": "degraded", "reason": "disk\nfull", "part": "store"}, WARNING, r"degraded: disk\nfull"),
    (200, {"status": "degraded", "reason": 5}, OK, "is ready."),
    (503, {"type": "error", "payload": {"message": "draining"}, "status": "draining"}, PROBLEM, "not ready: draining"),
    (503, {"type": "error", "payload": {}}, PROBLEM, "not ready."),
]


@pytest.mark.parametrize(("status", "body", "verdict", "words"), READY_BODIES)
def test_reason_of_an_orchestrator_is_shown(status: int, body: Any, verdict: Verdict, words: str) -> None:
    with answering(lambda _: (status, body)) as fake:
        address = parse_address(fake.url)
        judged(network.orchestrator(address, network.probe_http(address), named=True), verdict, words)


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (None, OK, "Skipped"),
        (0.9, OK, "agree"),
        (-5.0, OK, "agree"),
        (7.0, WARNING, "7 s behind"),
        (-7.0, WARNING, "7 s ahead of"),
        (4000.0, PROBLEM, "NTP"),
    ],
)
def test_clock_is_compared_with_the_orchestrators(ahead: float | None, verdict: Verdict, words: str) -> None:
    judged(network.clock(Answer(200, is_ours=True, ahead_seconds=ahead), "x"), verdict, words)


def test_checks_of_an_orchestrator_are_skipped_when_none_answers() -> None:
    judged(network.clock(None, "http://x"), OK, "Skipped: no orchestrator answers at http://x")


def test_wall_clock() -> None:
    now = network.NOT_BEFORE + 1
    judged(network.wall_clock(now, 1.0, 1.0), OK)
    judged(network.wall_clock(now, 61.0, 1.0), WARNING, "+60.0 s")
    judged(network.wall_clock(0, 1.0, 1.0), PROBLEM, "1970")


@pytest.mark.parametrize(
    ("url", "environment", "verdict", "words"),
    [
        ("http://127.0.0.1:1", {"HTTP_PROXY": "http://p:1"}, OK, "this machine"),
        ("http://far.example", {}, OK, "No variable"),
        ("http://far.example", {"HTTPS_PROXY": "http://p:1"}, OK, "No variable"),
        ("http://far.example", {"HTTP_PROXY": ""}, OK, "No variable"),
        ("http://far.example", {"http_proxy": "http://u:hidden@p:1"}, WARNING, "the proxy at p:1"),
        ("https://far.example", {"HTTPS_PROXY": "p:1"}, WARNING, "NO_PROXY=far.example"),
        ("https://far.example", {"ALL_PROXY": "socks5://p:1"}, WARNING, "ALL_PROXY"),
        ("http://far.example", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "near, .example"}, OK, "exempts"),
        ("http://far.example", {"HTTP_PROXY": "http://p:1", "no_proxy": "*"}, OK, "exempts"),
        ("http://far.example", {"HTTP_PROXY": "http://p:1", "no_proxy": "ar.example,"}, WARNING, "sends requests"),
    ],
)
def test_proxy_for_the_orchestrator_is_a_warning(
    url: str, environment: dict[str, str], verdict: Verdict, words: str
) -> None:
    found = network.proxy(parse_address(url), environment)
    judged(found, verdict, words)
    assert "hidden" not in repr(found)


def test_websocket_works_when_a_wrong_key_is_refused() -> None:
    judged(network.websocket(AuthError("no"), "x"), OK, "4001")
    judged(network.websocket(AuthError("no", CloseCode.FORBIDDEN), "x"), WARNING, "4003")
    refused = AuthError("'casare' is not a name of this server", CloseCode.ADDRESS_REFUSED, field="host")
    judged(network.websocket(refused, "x"), PROBLEM, "'casare' is not a name", "CASARE_ALLOWED_HOSTS")
    judged(network.websocket(None, "x"), PROBLEM, "accepted a robot")
    judged(network.websocket(ConnectFailed("x answered 404 instead"), "x"), PROBLEM, "404", "Upgrade")


def test_http_server_that_is_not_an_orchestrator() -> None:
    with answering(lambda request: (200, ["a list"])) as fake:
        address = parse_address(fake.url)
        answer = network.probe_http(address)
        assert answer is not None
        assert (answer.status, answer.is_ours) == (200, False)
        judged(network.websocket(network.probe_websocket(address), address.shown), PROBLEM, "Upgrade")
    assert network.probe_http(address) is None


def checks(*arguments: str, **more: Any) -> dict[str, Any]:
    """The checks of a real run by name, with its exit code checked against them."""
    result = casare("doctor", "--json", *arguments, **more)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    found = {check["name"]: check for check in document["checks"]}
    wrong = any(check["verdict"] == "problem" for check in document["checks"])
    assert (result.returncode, document["ok"]) == ((Exit.FAILED, False) if wrong else (Exit.OK, True))
    return found


@pytest.mark.slow
def test_doctor_on_a_running_orchestrator_and_after_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        found = checks("--url", server.url, "--data-dir", str(tmp_path), "--port", port)
        assert {check["verdict"] for name, check in found.items() if name not in ("sqlite", "python")} == {"ok"}
        assert list(found) == documented_checks("## Doctor", "With a `CASARE_DATABASE_URL`")
        assert "is ready" in found["orchestrator"]["sentence"]
        assert "agree" in found["clock"]["sentence"]
        assert "4001" in found["websocket"]["sentence"]
        assert "An orchestrator listens" in found["port"]["sentence"]
        shown = casare("doctor", url=server.url, CASARE_DATA_DIR=str(tmp_path), CASARE_PORT=port)
        assert shown.returncode == Exit.OK
        assert "problems: 0" in shown.stdout
        assert ADMIN_SECRET not in shown.stdout
    found = checks("--url", server.url, "--data-dir", str(tmp_path), "--port", port)
    assert found["orchestrator"]["verdict"] == "warning"
    for name in ("clock", "websocket"):
        assert found[name]["sentence"] == f"Skipped: no orchestrator answers at {server.url}."


@pytest.mark.slow
def test_doctor_on_an_invalid_address(tmp_path: Path) -> None:
    found = checks("--url", "nonsense", "--data-dir", str(tmp_path))
    assert found["orchestrator"]["verdict"] == "problem"


def test_doctor_finds_problems_that_prevent_a_start(tmp_path: Path) -> None:
    (tmp_path / "casare.toml").write_text("prot = 1")
    (tmp_path / "api_secret").write_text("a-secret-that-all-can-read")
    (tmp_path / "api_secret").chmod(0o644)
    found = checks("--data-dir", str(tmp_path), "--url", "http://127.0.0.1:1")
    assert found["settings"]["verdict"] == found["secrets"]["verdict"] == "problem"
    assert "did you mean port?" in found["settings"]["sentence"]
    assert "a-secret-that-all-can-read" not in str(found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api_secret", "casare.toml"], (
        "the check creates nothing"
    )
