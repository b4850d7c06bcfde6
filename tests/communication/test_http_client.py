"""The HTTP client against a real, scripted HTTP server."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from casare_rpa.domain.errors import AuthError, ConnectFailed, Rejected
from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

SECRET = "canary-secret-3141592"


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """What the server answers, in order; the last answer is repeated."""

    answers: list[tuple[int, Any]] = field(default_factory=lambda: [(200, {})])
    asked: list[Asked] = field(default_factory=list)
    hang_up: int = 0
    url: str = ""

    def next(self) -> tuple[int, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.asked.append(Asked(self.command, self.path, headers, json.loads(text) if text else None))
        if self.script.hang_up:
            self.script.hang_up -= 1
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, document = self.script.next()
        body = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def client(script: Script) -> Iterator[OrchestratorHttpClient]:
    with OrchestratorHttpClient(script.url, api_secret=SECRET) as client:
        yield client


CALLS = [
    (lambda c: c.submit_job({"workflow_id": "w"}), "POST", "/api/v1/jobs", {"workflow_id": "w"}),
    (
        lambda c: c.submit_jobs([{"workflow_id": "v"}, {"workflow_id": "w"}]),
        "POST",
        "/api/v1/jobs/batch",
        {"jobs": [{"workflow_id": "v"}, {"workflow_id": "w"}]},
    ),
    (lambda c: c.list_jobs(status="failed", limit=5), "GET", "/api/v1/jobs?status=failed&limit=5", None),
    (lambda c: c.get_job("job-1"), "GET", "/api/v1/jobs/job-1", None),
    (lambda c: c.get_job("../x?y"), "GET", "/api/v1/jobs/..%2Fx%3Fy", None),
    (lambda c: c.cancel_job("job-1", "wrong file"), "POST", "/api/v1/jobs/job-1/cancel", {"reason": "wrong file"}),
    (lambda c: c.cancel_job("job-1"), "POST", "/api/v1/jobs/job-1/cancel", {}),
    (lambda c: c.retry_job("job-1"), "POST", "/api/v1/jobs/job-1/retry", None),
    (lambda c: c.job_logs("job-1", cursor="7", limit=3), "GET", "/api/v1/jobs/job-1/logs?cursor=7&limit=3", None),
    (lambda c: c.job_events("job-1"), "GET", "/api/v1/jobs/job-1/events", None),
    (lambda c: c.search_logs(), "GET", "/api/v1/logs", None),
    (lambda c: c.search_logs(around=7), "GET", "/api/v1/logs?around=7", None),
    (
        lambda c: c.search_logs(
            robot_id="r",
            job_id="job-1",
            tenant_id="acme",
            min_level="ERROR",
            q="no",
            limit=5,
            cursor="x",
            since="2026-03-02",
            until="2026-03-03",
            order="asc",
        ),
        "GET",
        "/api/v1/logs?robot_id=r&job_id=job-1&tenant_id=acme&min_level=ERROR&q=no&from=2026-03-02&to=2026-03-03&limit=5&cursor=x&order=asc",
        None,
    ),
    (lambda c: c.create_robot({"robot_id": "r"}), "POST", "/api/v1/robots", {"robot_id": "r"}),
    (lambda c: c.list_robots(tenant_id="acme"), "GET", "/api/v1/robots?tenant_id=acme", None),
    (lambda c: c.get_robot("r"), "GET", "/api/v1/robots/r", None),
    (lambda c: c.create_key("r"), "POST", "/api/v1/robots/r/keys", None),
    (lambda c: c.list_keys("r"), "GET", "/api/v1/robots/r/keys", None),
    (lambda c: c.create_tenant("acme", "Acme"), "POST", "/api/v1/tenants", {"tenant_id": "acme", "name": "Acme"}),
    (lambda c: c.login("a", "b"), "POST", "/api/v1/auth/login", {"username": "a", "password": "b"}),
    (lambda c: c.list_sessions(), "GET", "/api/v1/sessions", None),
    (lambda c: c.health(), "GET", "/health/ready", None),
]


@pytest.mark.parametrize(("call", "method", "path", "body"), CALLS, ids=[f"{c[1]} {c[2]}" for c in CALLS])
def test_client_sends_the_documented_requests(
    client: OrchestratorHttpClient, script: Script, call: Any, method: str, path: str, body: Any
) -> None:
    script.answers = [(200, {"answer": "ü"})]
    assert call(client) == {"answer": "ü"}
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.body) == (method, path, body)
    assert asked.headers["x-api-secret"] == SECRET


def test_client_revokes_a_key(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [(204, None)]
    client.revoke_key("r", "k1")
    assert (script.asked[0].method, script.asked[0].path) == ("DELETE", "/api/v1/robots/r/keys/k1")


def test_client_removes_a_robot(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [(204, None)]
    client.remove_robot("r")
    assert (script.asked[0].method, script.asked[0].path) == ("DELETE", "/api/v1/robots/r")


def test_client_ends_a_session(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [(204, None)]
    client.end_session("lgn-1")
    assert (script.asked[0].method, script.asked[0].path) == ("DELETE", "/api/v1/sessions/lgn-1")


def test_client_sends_each_kind_of_credential(script: Script) -> None:
    with OrchestratorHttpClient(script.url, api_key="crpa_1", token="eyJ") as client:
        client.health()
    headers = script.asked[0].headers
    assert headers["x-api-key"] == "crpa_1"
    assert headers["authorization"] == "Bearer eyJ"
    assert "x-api-secret" not in headers


def test_client_sends_the_idempotency_key(client: OrchestratorHttpClient, script: Script) -> None:
    client.submit_job({"workflow_id": "w"}, idempotency_key="once")
    assert script.asked[0].headers["idempotency-key"] == "once"


def test_client_takes_a_socket_address_too(script: Script) -> None:
    with OrchestratorHttpClient(script.url.replace("http:", "ws:") + "/", api_secret=SECRET) as client:
        assert client.base_url == script.url
        assert client.health() == {}


def test_client_fetches_all_pages(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [
        (200, {"items": [{"job_id": "1"}, {"job_id": "2"}], "next_cursor": "c2"}),
        (200, {"items": [{"job_id": "3"}], "next_cursor": None}),
    ]
    assert [job["job_id"] for job in client.iter_jobs(limit=2, status="failed")] == ["1", "2", "3"]
    assert [asked.path for asked in script.asked] == [
        "/api/v1/jobs?status=failed&limit=2",
        "/api/v1/jobs?status=failed&limit=2&cursor=c2",
    ]


def test_rejection_carries_the_servers_sentence(client: OrchestratorHttpClient, script: Script) -> None:
    payload = {"code": "INVALID_MESSAGE", "message": "robot_id: it exists", "timestamp": "2025-12-22T14:30:00Z"}
    script.answers = [(409, {"type": "error", "payload": payload})]
    with pytest.raises(Rejected, match=r"^robot_id: it exists$") as caught:
        client.create_robot({"robot_id": "r"})
    assert (caught.value.error_code, caught.value.status) == ("INVALID_MESSAGE", 409)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "AUTH_FAILED"), (404, "INVALID_MESSAGE"), (429, "RATE_LIMITED"), (502, "INTERNAL_ERROR")],
)
def test_rejection_has_a_code_when_a_proxy_answers(
    client: OrchestratorHttpClient, script: Script, status: int, code: str
) -> None:
    script.answers = [(status, b"<html>no</html>")]
    with pytest.raises(Rejected, match=f"answered {status}") as caught:
        client.get_job("j")
    assert (caught.value.error_code, caught.value.status) == (code, status)


def test_response_that_is_not_json_is_an_error(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [(200, b"<html>hello</html>")]
    with pytest.raises(ConnectFailed, match="is not an orchestrator"):
        client.get_job("j")
    assert len(script.asked) == 1


def test_get_is_repeated_when_the_connection_breaks(client: OrchestratorHttpClient, script: Script) -> None:
    script.hang_up = 1
    script.answers = [(200, {"job_id": "j"})]
    assert client.get_job("j") == {"job_id": "j"}
    assert len(script.asked) == 2


def test_get_is_repeated_when_the_store_is_unavailable(client: OrchestratorHttpClient, script: Script) -> None:
    script.answers = [(503, {}), (200, {"job_id": "j"})]
    assert client.get_job("j") == {"job_id": "j"}


def test_post_is_not_repeated_when_the_connection_breaks(client: OrchestratorHttpClient, script: Script) -> None:
    script.hang_up = 1
    with pytest.raises(ConnectFailed, match="broke"):
        client.submit_job({"workflow_id": "w"})
    assert len(script.asked) == 1


def test_unreachable_orchestrator_is_an_error_that_says_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with (
            OrchestratorHttpClient(f"http://127.0.0.1:{port}", api_secret=SECRET) as client,
            pytest.raises(ConnectFailed, match="casare up") as caught,
        ):
            client.submit_job({"workflow_id": "w"})
    assert caught.value.retryable


def test_request_without_an_answer_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            OrchestratorHttpClient(url, timeout_seconds=0.05) as client,
            pytest.raises(ConnectFailed, match="in time"),
        ):
            client.submit_job({"workflow_id": "w"})


@pytest.mark.parametrize("secret", ["", "two words", "line\nend", "schlüssel"])
def test_invalid_credential_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(AuthError) as caught:
        OrchestratorHttpClient("http://127.0.0.1:1", api_secret=secret)
    assert not secret or secret not in str(caught.value)


def test_client_keeps_its_secrets(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script.hang_up = 1
    with OrchestratorHttpClient(script.url, api_secret=SECRET, api_key=SECRET, token=SECRET) as client:
        with pytest.raises(ConnectFailed) as caught:
            client.submit_job({"workflow_id": "w"})
        client.health()
        assert SECRET not in repr(client)
    assert caught.value.__context__ is None
    assert SECRET not in str(caught.value)
    assert caplog.text
    assert SECRET not in caplog.text
