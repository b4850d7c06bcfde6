"""Prints which functions of the orchestrator one message runs through, on a running server.

    .venv/bin/python tools/trace_message.py                     # the summary of all five messages
    .venv/bin/python tools/trace_message.py report              # each call of a report, in order
    PYTHONPATH=/path/to/another/src .venv/bin/python tools/trace_message.py   # the same of another version

| message | from | to |
|---|---|---|
| report | a robot sends `job_status completed` | its ack, and the update on the sockets of two viewers of jobs |
| heartbeat | a robot sends `heartbeat` | its ack, and the status on the sockets of two viewers of robots |
| log | a robot sends `log` | its ack, and the line on the sockets of two viewers of logs |
| submit | `POST /jobs` | the response, `job_assign` at the robot, and the update at two viewers of jobs |
| cancel | `POST /jobs/{id}/cancel` | the response, `job_cancel` at the robot, and the update at a viewer of jobs |

Method: the server of `casare serve` runs in this process on a new SQLite database; the robot, the viewers and the HTTP
client are real sockets in another thread. `sys.setprofile` and `threading.setprofile` record each function that
starts in any other thread while the message is under way. A call counts when its code is a file of the package
`casare_rpa`. It does not count when it

- is a comprehension, a generator expression, or the resumption of a coroutine or generator that has started before;
- runs in a background loop that has no part in this message (`_Message.loops` names the loops that take part).

Each message is sent once to fill the caches, then five times with the recorder on; the run with the fewest calls is
the result, because a timer may fall into any of the others.
"""

import argparse
import asyncio
import contextlib
import dis
import inspect
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

import httpx2
from websockets.sync.client import ClientConnection, connect

import casare_rpa
from casare_rpa.cli.serve import listen, run_loop, serve_on
from casare_rpa.infrastructure.orchestrator.settings import load_settings

PACKAGE = f"{Path(casare_rpa.__file__).parent}/"
RUNS = 5
WAIT_SECONDS = 5.0
QUIET_SECONDS = 0.3
"""The pause between two messages, so that the effects of the first have ended."""
_SUSPENDABLE = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_ANONYMOUS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its thread, its file below the package, its function, and how deep it stands in its thread's stack."""

    thread: str
    file: str
    function: str
    depth: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The calls of one message, in order."""

    calls: Sequence[Call]

    @property
    def functions(self) -> set[tuple[str, str]]:
        return {(call.file, call.function) for call in self.calls}

    @property
    def files(self) -> set[str]:
        return {call.file for call in self.calls}

    @property
    def thread_changes(self) -> int:
        return sum(one.thread != next_.thread for one, next_ in zip(self.calls, self.calls[1:], strict=False))

    def numbers(self) -> dict[str, int]:
        return {
            "calls": len(self.calls),
            "functions": len(self.functions),
            "files": len(self.files),
            "thread_changes": self.thread_changes,
        }


class Recorder:
    """Records calls in all threads that start after `install`, and in the one that calls it."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._loops: frozenset[str] = frozenset()
        self._recording = False

    def install(self) -> None:
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def uninstall(self) -> None:
        threading.setprofile(None)
        sys.setprofile(None)

    @contextlib.contextmanager
    def recording(self, loops: frozenset[str]) -> Iterator[list[Call]]:
        """Record until the block ends; of the background loops, only those in `loops`."""
        self._calls, self._loops, self._recording = [], loops, True
        try:
            yield self._calls
        finally:
            self._recording = False

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or not self._recording:
            return
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name in _ANONYMOUS or _resumes(frame):
            return
        if self._in_idle_loop():
            return
        depth = 0
        outer = frame.f_back
        while outer is not None:
            depth += outer.f_code.co_filename.startswith(PACKAGE)
            outer = outer.f_back
        name = threading.current_thread().name
        self._calls.append(Call(name, code.co_filename.removeprefix(PACKAGE), code.co_qualname, depth))

    def _in_idle_loop(self) -> bool:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # this thread has no loop
            return False
        if task is None:
            return False
        coroutine = task.get_coro()
        code = getattr(coroutine, "cr_code", None)
        return code is not None and code.co_name == "rounds" and task.get_name() not in self._loops


def _resumes(frame: FrameType) -> bool:
    """Whether a coroutine or generator is resumed, that is, behind its first instruction."""
    return bool(frame.f_code.co_flags & _SUSPENDABLE) and frame.f_lasti > _start_offset(frame.f_code)


@cache
def _start_offset(code: CodeType) -> int:
    """The offset of the body of a coroutine or generator, in bytes."""
    return next(one.offset for one in dis.get_instructions(code) if one.opname == "RESUME")


class _Client:
    """The robot, the viewers and the HTTP client."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._stack = contextlib.ExitStack()
        self._viewing = contextlib.ExitStack()
        self.viewers: list[ClientConnection] = []
        self.http = httpx2.Client(base_url=f"{url}/api/v1", headers={"X-API-Secret": secret}, timeout=WAIT_SECONDS)

    def __enter__(self) -> Self:
        robot_id = f"robot-{secrets.token_hex(4)}"
        self.post("/robots", {"robot_id": robot_id, "tenant_id": "default"})
        self.robot_id, key = robot_id, self.post(f"/robots/{robot_id}/keys", {})["api_key"]
        self.robot = self._stack.enter_context(self._connect(f"/ws/robot/{robot_id}?api_key={key}"))
        self.until(self.robot, "connected")
        self.say("hello", instance_id="trace", name="trace", version="1", features=["claim_ack"], active_jobs=[])
        return self

    def watch(self, stream: str) -> None:
        """Connect the two viewers of a message instead of those of the previous message."""
        self._viewing.close()
        token = self.post("/auth/login", {"username": "admin", "password": self._secret})["access_token"]
        match stream:
            case "jobs":
                self.viewers = [self.admin("jobs"), self._view(f"/ws/monitoring/live-jobs?token={token}")]
            case "robots":
                self.viewers = [self.admin("robots"), self._view(f"/ws/monitoring/robot-status?token={token}")]
            case "logs":
                self.viewers = [
                    self._view(f"/ws/logs{path}?api_secret={self._secret}") for path in ("", f"/{self.robot_id}")
                ]

    def __exit__(self, *_: object) -> None:
        self._viewing.close()
        self._stack.close()
        self.http.close()

    def _connect(self, path: str) -> ClientConnection:
        return connect("ws" + self._url.removeprefix("http") + path, compression=None)

    def _view(self, path: str) -> ClientConnection:
        return self._viewing.enter_context(self._connect(path))

    def admin(self, channel: str) -> ClientConnection:
        """A viewer of one channel, with its snapshot read."""
        one = self._view(f"/ws/admin?api_secret={self._secret}")
        one.send(json.dumps({"type": "subscribe", "payload": {"channels": [channel]}, "id": "subscribed"}))
        self.until(one, "ack")
        return one

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        response = self.http.post(path, json=body)
        response.raise_for_status()
        return response.json()

    def say(self, kind: str, **payload: object) -> None:
        """Send a message of the robot and wait for its ack."""
        payload["timestamp"] = "2026-01-01T00:00:00Z"
        self.robot.send(json.dumps({"type": kind, "payload": payload, "id": secrets.token_hex(4)}))
        self.until(self.robot, "ack")

    def until(self, one: ClientConnection, kind: str, **fields: object) -> dict[str, Any]:
        """The next message of this type with these values in its payload. Earlier messages are dropped."""
        seen: list[dict[str, Any]] = []
        while True:
            try:
                message: dict[str, Any] = json.loads(one.recv(WAIT_SECONDS))
            except TimeoutError:
                raise TimeoutError(f"no {kind} with {fields} came; what came is {seen}") from None
            seen.append(message)
            payload = message.get("payload", message)
            if message["type"] == kind and all(payload.get(name) == value for name, value in fields.items()):
                return message

    def submit(self) -> None:
        """Submit a job; returns once the robot has it and both viewers have seen it."""
        self.job_id = str(self.post("/jobs", {"workflow_id": "trace", "robot_id": self.robot_id})["job_id"])
        self.until(self.robot, "job_assign", job_id=self.job_id)
        self._see("pending")

    def report(self, status: str) -> None:
        """Report a status of the job; returns once it is acknowledged and both viewers have seen it."""
        self.say("job_status", job_id=self.job_id, status=status)
        self._see(status)

    def run_job(self) -> None:
        """Submit a job that is then reported as running."""
        self.submit()
        self.report("claimed")
        self.report("running")

    def run_last_job(self) -> None:
        """Like `run_job`, but with a drained robot, whose free slot must not start a round of the dispatcher."""
        self.run_job()
        self.post(f"/robots/{self.robot_id}/drain", {})

    def resume_robot(self) -> None:
        self.post(f"/robots/{self.robot_id}/resume", {})

    def finish_job(self) -> None:
        """End a job that was submitted or cancelled, so that the robot is idle again."""
        for status in ("running", "failed"):
            self.say("job_status", job_id=self.job_id, status=status)

    def _see(self, status: str) -> None:
        for viewer in self.viewers:
            self.until(viewer, "job_update", job_id=self.job_id, status=status)


def _complete(client: _Client) -> None:
    client.report("completed")


def _beat(client: _Client) -> None:
    client.say("heartbeat", robot_id=client.robot_id, status="idle", cpu_percent=1, memory_mb=9, active_jobs=[])
    client.until(client.viewers[0], "robot_status")
    client.until(client.viewers[1], "robot_heartbeat")


def _log(client: _Client) -> None:
    client.say("log", robot_id=client.robot_id, level="INFO", message="a line")
    for viewer in client.viewers:
        client.until(viewer, "log")


def _cancel(client: _Client) -> None:
    client.post(f"/jobs/{client.job_id}/cancel", {})
    client.until(client.robot, "job_cancel", job_id=client.job_id)
    client.until(client.viewers[0], "job_update", job_id=client.job_id)


@dataclass(frozen=True, slots=True)
class _Message:
    """One kind of message: its function, its viewers, and the background loops that take part."""

    act: Callable[[_Client], None]
    viewers: str
    loops: frozenset[str] = frozenset()
    before: Callable[[_Client], None] = lambda _: None
    after: Callable[[_Client], None] = lambda _: None


MESSAGES = {
    "report": _Message(
        _complete, "jobs", frozenset({"reports"}), before=_Client.run_last_job, after=_Client.resume_robot
    ),
    "heartbeat": _Message(_beat, "robots"),
    "log": _Message(_log, "logs", frozenset({"logs"})),
    "submit": _Message(_Client.submit, "jobs", frozenset({"dispatch"}), after=_Client.finish_job),
    "cancel": _Message(_cancel, "jobs", before=_Client.run_job, after=_Client.finish_job),
}


def _trace_all(recorder: Recorder, url: str, secret: str, names: Sequence[str]) -> dict[str, Trace]:
    """Run in a thread that is not recorded."""
    sys.setprofile(None)
    with _Client(url, secret) as client:
        return {name: _trace(recorder, client, MESSAGES[name]) for name in names}


def _trace(recorder: Recorder, client: _Client, message: _Message) -> Trace:
    traces = []
    client.watch(message.viewers)
    for run in range(RUNS + 1):
        message.before(client)
        time.sleep(QUIET_SECONDS)
        with recorder.recording(message.loops) as calls:
            message.act(client)
        if run:  # the first one fills the caches
            traces.append(Trace(calls))
        message.after(client)
    return min(traces, key=lambda trace: len(trace.calls))


def trace(names: Sequence[str] = tuple(MESSAGES)) -> dict[str, Trace]:
    """Trace these messages on a new server; call it in the main thread, because the server handles signals there."""
    recorder = Recorder()
    recorder.install()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_loop(_serve(recorder, Path(folder), names))
    finally:
        recorder.uninstall()


async def _serve(recorder: Recorder, folder: Path, names: Sequence[str]) -> dict[str, Trace]:
    secret = secrets.token_hex(32)
    settings = load_settings(
        data_dir=folder,
        host="127.0.0.1",
        port=0,
        api_secret=secret,
        admin_password=secret,
        log_level="ERROR",
    )
    listener, stop = listen(settings.host, settings.port), asyncio.Event()
    address = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_on(settings, listener, address.set_result, stop), name="server")
        try:
            url = await address
            return await asyncio.to_thread(_trace_all, recorder, url, secret, names)
        finally:
            stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(description="Which functions one message runs through.")
    parser.add_argument("message", nargs="*", choices=[*MESSAGES, []], help="print each call of these; default: none")
    parser.add_argument("--json", action="store_true", help="print the numbers as one JSON object")
    arguments = parser.parse_args()
    chosen: list[str] = arguments.message
    traces = trace(chosen or tuple(MESSAGES))
    if arguments.json:
        print(json.dumps({name: one.numbers() for name, one in traces.items()}))
        return
    for name in chosen:
        for call in traces[name].calls:
            print(f"{call.thread[:12]:12} {'  ' * call.depth}{call.file}: {call.function}")
    print(f"{'message':10} {'calls':>6} {'functions':>10} {'files':>6} {'changes of thread':>18}")
    for name, one in traces.items():
        calls, functions, files, changes = one.numbers().values()
        print(f"{name:10} {calls:6} {functions:10} {files:6} {changes:18}")


if __name__ == "__main__":
    main()
