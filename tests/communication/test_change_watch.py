"""The client of the change feed: its changes, its reconnects, and its end."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ConnectionLost, Rejected
from casare_rpa.infrastructure.orchestrator.communication.change_watch import ChangeWatch
from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

Parts = list[str | CasareError]


class ScriptedClient(OrchestratorHttpClient):
    """Answers each stream with the next script; an error in it is raised there."""

    def __init__(self, *scripts: Parts) -> None:
        super().__init__("http://127.0.0.1:1", api_secret="secret")
        self.scripts = list(scripts)
        self.asked: list[Any] = []

    def stream_text(self, path: str, query: Mapping[str, str | None], **_: Any) -> Iterator[str]:
        self.asked.append((path, query["since"]))
        for part in self.scripts.pop(0):
            if isinstance(part, CasareError):
                raise part
            yield part


def event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def begin(position: str) -> str:
    return "retry: 2000\n\n" + event("position", {"position": position})


def change(number: int, **more: Any) -> str:
    return event("job", {"position": f"e:{number}", **more})


def closed(code: str, **more: str) -> str:
    return event("closed", {"type": "error", "payload": {"code": code, "message": "why", **more}})


STOP = ConnectFailed("stop", retryable=False)


def watched(client: ScriptedClient, **options: Any) -> tuple[list[str], CasareError]:
    """The positions that the watch yields, and the error that ends it."""
    found: list[str] = []
    watch = ChangeWatch(client, "now", sleep=lambda _: None, **options)
    try:
        for item in watch.changes():
            assert watch.position == item["position"]
            found.append(item["position"])
    except CasareError as error:
        return found, error
    raise AssertionError("the watch ended without an error")


def test_each_connection_continues_after_the_last_change() -> None:
    lost = ConnectFailed("broke")
    client = ScriptedClient([begin("e:3"), lost], [begin("e:3"), change(4), change(5)], [lost], [begin("e:5"), STOP])
    assert watched(client) == (["e:4", "e:5"], STOP)
    assert [since for _, since in client.asked] == ["now", "e:3", "e:5", "e:5"]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_parts_may_end_anywhere(size: int) -> None:
    text = begin("e:0") + ": keep-alive\n\n" + change(1, message="line\u2028separator\x85 und ä") + change(2)
    client = ScriptedClient([*(text[at : at + size] for at in range(0, len(text), size)), STOP])
    watch = ChangeWatch(client, "oldest")
    first = next(watch.changes())
    assert first["message"] == "line\u2028separator\x85 und ä"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_refusal_is_repeated_after_the_first_connection(status: int) -> None:
    passing = Rejected("wait", "RATE_LIMITED", status)
    assert watched(ScriptedClient([passing])) == ([], passing)
    losses: list[CasareError] = []
    client = ScriptedClient([begin("e:0")], [passing], [begin("e:0"), STOP])
    assert watched(client, on_loss=losses.append) == ([], STOP)
    assert [type(error) for error in losses] == [ConnectionLost, Rejected]


@pytest.mark.parametrize("error", [Rejected("gone", "INVALID_MESSAGE", 410), Rejected("who", "AUTH_FAILED", 401), STOP])
def test_other_refusal_ends_the_watch(error: CasareError) -> None:
    assert watched(ScriptedClient([begin("e:0"), change(1)], [error])) == (["e:1"], error)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (closed("AUTH_FAILED"), lambda error: isinstance(error, AuthError)),
        (closed("INVALID_MESSAGE", oldest="e:9"), lambda error: isinstance(error, Rejected) and error.status == 410),
        (closed("INTERNAL_ERROR"), lambda error: error is STOP),
    ],
)
def test_reason_of_the_server_decides_whether_the_watch_continues(
    last: str, expected: Callable[[CasareError], bool]
) -> None:
    _, error = watched(ScriptedClient([begin("e:0"), last], [STOP]))
    assert expected(error)


def test_begin_of_each_connection_is_reported() -> None:
    positions: list[str] = []
    client = ScriptedClient([begin("e:3")], [begin("e:3"), change(4)], [begin("e:4"), STOP])
    watched(client, on_position=positions.append)
    assert positions == ["e:3", "e:3", "e:4"]
