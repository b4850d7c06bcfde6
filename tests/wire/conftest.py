"""One server for each socket path, a bystander that the attacks must not affect, and the addresses of all endpoints."""

from collections.abc import Callable, Iterator

import pytest

from contract.server_process import ADMIN_SECRET, WIRES, Account, Server, serving
from wire.bystander import QUIET_BEATS, Bystander, figures

HANDSHAKE_SECONDS = 1
NOTICEABLE_SECONDS = 2.0
"""A generous limit, because the machine may be busy. The figures are recorded."""

ENDPOINTS = (
    "/ws/robot/{robot_id}",
    "/ws/admin",
    "/ws/logs/{robot_id}",
    "/ws/logs",
    "/ws/monitoring/live-jobs",
    "/ws/monitoring/robot-status",
    "/ws/monitoring/queue-metrics",
)
AddressOf = Callable[..., str]


# Scope `module`: pytest moves tests that share a parameter of scope `session` together, across folders. The bystander's
# thread would then run beside tests of other folders, some of which need the state of `random` to themselves.
@pytest.fixture(scope="module", params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """The socket path: every test that has a server of this folder runs on both."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, wire: str) -> Iterator[Server]:
    """A server with a short deadline for handshakes; its log must hold no error when it ends."""
    environment = {
        "CASARE_HANDSHAKE_TIMEOUT_SECONDS": str(HANDSHAKE_SECONDS),
        "CASARE_ALLOWED_ORIGINS": "https://app.example.com",
        "CASARE_ALLOWED_HOSTS": "casare.example.com",
        "CASARE_WIRE": wire,
    }
    with serving(tmp_path_factory.mktemp("wire"), **environment) as running:
        yield running
    blameless(running)


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    return server.token()


@pytest.fixture
def account(server: Server) -> Account:
    """A robot for one test."""
    return server.robot()


@pytest.fixture(scope="module")
def bystander(server: Server, token: str) -> Iterator[Bystander]:
    """Connected before the first attack, until the end."""
    other = Bystander(server, server.robot(), token)
    with other.minding_its_business():
        yield other


@pytest.fixture(scope="module", autouse=True)
def unnoticed(
    request: pytest.FixtureRequest,
    server: Server,
    bystander: Bystander,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[None]:
    """After each module: no other connection ended, every heartbeat was acknowledged in time, the log has no error."""
    quiet, began, seen = bystander.round_trips[:QUIET_BEATS], len(bystander.round_trips), bystander.watched()
    yield
    bystander.wait_for_beats(QUIET_BEATS // 10)
    attacked = bystander.round_trips[began:]
    for name, value in (("before", figures(quiet)), ("meanwhile", figures(attacked))):
        record_testsuite_property(f"bystander of {request.module.__name__}, {name}", value)
        print(f"\nbystander, {name}: {value}")
    assert max(attacked) < NOTICEABLE_SECONDS
    assert all(bystander.watched()[name] > count for name, count in seen.items()), "a dashboard received nothing"
    blameless(server)


@pytest.fixture
def address_of(server: Server, account: Account, token: str) -> AddressOf:
    """The address of an endpoint with a valid credential, or with these parameters instead."""

    def address(endpoint: str, **parameters: str) -> str:
        path = endpoint.replace("{robot_id}", account.robot_id)
        good = (
            {"api_key": account.api_key}
            if endpoint.startswith("/ws/robot")
            else {"token": token}
            if endpoint.startswith("/ws/monitoring")
            else {"api_secret": ADMIN_SECRET}
        )
        return server.ws(path, **(parameters or good))

    return address


def blameless(server: Server) -> None:
    """The log has no error of the server."""
    for sign in ("Traceback", " ERROR ", "CRITICAL", "Task exception", "never retrieved"):
        assert sign not in server.output, server.output[-5000:]
