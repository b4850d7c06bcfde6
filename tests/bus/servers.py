"""Real servers of a bus, which a test kills, pauses and starts again on the same port."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

from casare_rpa.domain.bus_urls import parse_bus_url
from casare_rpa.infrastructure.orchestrator.bus.monitored import Connector
from casare_rpa.infrastructure.orchestrator.bus.nats import NatsConnector, subject_of
from casare_rpa.infrastructure.orchestrator.bus.postgres import PostgresConnector
from postgres_server import DEBIAN, KINDS, PostgresServer, free_port
from unprivileged import shared_folder, unprivileged_user

START_SECONDS = 180.0
"""A start takes a tenth of a second; on a machine that many tests share, it took more than a minute."""
ANSWER_SECONDS = 5.0
PATIENT_SECONDS = 30
"""How long NATS waits for the handshake of TLS and for the credentials. Its own two seconds can be too short."""
GREETING = b"INFO"
SUBJECT = subject_of(b"a key of 32 bytes for the tests..")
_ENVIRONMENT = Path(sys.executable).parent
_SYSTEM = os.pathsep.join(
    folder for folder in (*os.get_exec_path(), "/usr/sbin") if Path(folder).resolve() != _ENVIRONMENT.resolve()
)
NATS_SERVERS = {
    "nats of the system": shutil.which("nats-server", path=_SYSTEM) or "/usr/sbin/nats-server",
    "nats of today": str(_ENVIRONMENT / "nats-server"),
}
POSTGRES_SERVERS = {f"postgresql {kind}": kind for kind in KINDS}


class NatsServer:
    """nats-server. `lines` are lines of its configuration."""

    def __init__(self, folder: Path, program: str, *lines: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._program = program
        self._process: subprocess.Popen[Any] | None = None
        (folder / "nats.conf").write_text("\n".join((f'listen: "127.0.0.1:{self.port}"', *lines)))

    def start(self) -> None:
        """Start the server and wait until it greets a client."""
        assert shutil.which(self._program), "NATS is needed: apt-get install nats-server"
        command = [self._program, "-c", str(self.folder / "nats.conf")]
        user = unprivileged_user()
        rights: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **rights)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, f"NATS ended: {self._output()}"
            if self._greets():
                return
            time.sleep(0.02)  # the server has no event for this
        self.kill()
        raise AssertionError(f"NATS did not answer for {START_SECONDS:.0f} s: {self._output()}")

    def _greets(self) -> bool:
        """Whether the server sends its first message. The kernel accepts connections before the server does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as client:
                return client.recv(len(GREETING)) == GREETING
        except OSError:
            return False

    def _output(self) -> str:
        return (self.folder / "output").read_text()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(SIGCONT)


BusServer = NatsServer | PostgresServer


@contextmanager
def nats_server(program: str, *lines: str) -> Iterator[NatsServer]:
    with shared_folder() as folder:
        if (user := unprivileged_user()) is not None:
            os.chown(folder, user, user)
        server = NatsServer(folder, program, *lines)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def postgres_server(kind: str = DEBIAN) -> Iterator[PostgresServer]:
    """A server of its own, which a test may kill."""
    server = PostgresServer(kind)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.close()


def connector(server: BusServer, port: int | None = None) -> Connector:
    """The connector of an instance, by way of a proxy on this port if one is given."""
    if isinstance(server, NatsServer):
        return NatsConnector(parse_bus_url(f"nats://127.0.0.1:{port or server.port}"), SUBJECT)
    return PostgresConnector(f"postgresql://casare@127.0.0.1:{port or server.port}/postgres")
