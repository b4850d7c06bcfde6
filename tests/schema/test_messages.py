"""Generated frames on every endpoint of a real server: valid ones are answered as documented, all others refused.

No frame may cause an error of the server, close a connection that must stay open, or be ignored silently.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.server_process import Account, Server
from schema.document import DOCUMENT, frames_of, problems
from schema.frames import MORE, damaged, mutated, valid, valid_frames
from schema.player import ADMIN, LOGS, MONITORING, ROBOT, Player

ENDPOINTS = (ROBOT, ADMIN, *LOGS, *MONITORING)
SIZES = {channel["address"]: channel["x-max-message-bytes"] for channel in DOCUMENT["channels"].values()}
KINDS = [(endpoint, kind) for endpoint in (ROBOT, ADMIN) for kind in frames_of(endpoint, "in")]
BOUNDED = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)


@pytest.fixture
def account(server: Server) -> Account:
    return server.robot()


@pytest.fixture
def player(server: Server, account: Account, endpoint: str) -> Iterator[Player]:
    with closing(Player(server, account, endpoint)) as playing:
        yield playing


@pytest.fixture
def names(server: Server, account: Account, endpoint: str, kind: str, player: Player) -> list[str]:
    """Existing ids: a job that was offered to the robot (and claimed, unless `kind` is a refusal), or more."""
    job_id = server.job(account)["job_id"]
    if endpoint == ADMIN:
        return [job_id, account.robot_id, "default", "*"]
    player.wait_for("job_assign")
    if kind != "job_reject":
        claim = {"job_id": job_id, "status": "claimed", "timestamp": "2026-03-02T08:15:04Z"}
        answers = player.play(json.dumps({"type": "job_status", "id": "claim", "payload": claim}), "claim")
        assert answers.codes == []
    return [job_id]


def meant(frame: dict[str, Any], account: Account, names: list[str], choice: int) -> dict[str, Any]:
    """The frame with the ids of this robot and of existing objects, where the choice selects them."""
    payload = frame.get("payload", {})
    entries = payload.get("entries", [payload])
    if choice % 3:
        for entry in entries:
            if "robot_id" in entry:
                entry["robot_id"] = account.robot_id
    for one in (payload, *payload.get("reports", [])):
        for key in ("job_id", "target_id"):
            if key in one and choice % 2:
                one[key] = names[choice % len(names)]
    return frame


def allowed(endpoint: str, text: str) -> bool:
    """Whether the document has a schema for this text and the text is valid."""
    try:
        frame = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} was generated"))
    except json.JSONDecodeError:
        return False
    schema = frames_of(endpoint, "in").get(str(frame.get("type"))) if isinstance(frame, dict) else None
    return schema is not None and not problems(schema, frame)


@pytest.mark.slow
@MORE
@pytest.mark.parametrize(("endpoint", "kind"), KINDS)
def test_valid_message_is_acknowledged_or_refused_with_a_reason(
    endpoint: str, kind: str, player: Player, account: Account, names: list[str], more: int
) -> None:
    number = 0
    acknowledged = 0

    @settings(BOUNDED, max_examples=60 * more)
    @given(valid(frames_of(endpoint, "in")[kind]), st.integers(0, 100))
    def check(frame: dict[str, Any], choice: int) -> None:
        nonlocal number, acknowledged
        number += 1
        answers = player.play(json.dumps({**meant(frame, account, names, choice), "id": number}), number)
        assert answers.close_code is None
        (answer,) = answers.to(number)
        acknowledged += answer["type"] == "ack"
        if answer["type"] == "error":
            assert answer["payload"]["code"] == "INVALID_MESSAGE"
            assert answer["payload"]["message"]
        assert set(answers.codes) <= {"INVALID_MESSAGE"}

    check()
    assert acknowledged >= 1


@pytest.mark.slow
@MORE
@pytest.mark.parametrize("endpoint", [ROBOT, ADMIN])
def test_mutated_message_is_refused_and_the_next_one_accepted(endpoint: str, player: Player, more: int) -> None:
    kinds = tuple(frames_of(endpoint, "in"))
    frames = valid_frames(endpoint)

    @settings(BOUNDED, max_examples=80 * more)
    @given(st.one_of(mutated(frames, kinds).map(json.dumps), damaged(frames)))
    def check(text: str) -> None:
        answers = player.play(text)
        assert answers.close_code is None
        assert set(answers.codes) <= {"INVALID_MESSAGE"}
        assert "INVALID_MESSAGE" in answers.codes or allowed(endpoint, text)

    check()


@MORE
@pytest.mark.parametrize("endpoint", [*LOGS, *MONITORING])
def test_send_only_endpoint_refuses_every_frame(endpoint: str, player: Player, more: int) -> None:
    frames = st.one_of([valid_frames(channel) for channel in (ROBOT, ADMIN, MONITORING[0])])
    texts = st.one_of(frames.map(json.dumps), mutated(frames, ("auth_refresh",)).map(json.dumps), damaged(frames))

    @settings(BOUNDED, max_examples=20 * more)
    @given(texts)
    def check(text: str) -> None:
        answers = player.play(text)
        if len(text.encode()) > SIZES[endpoint]:
            assert (answers.codes, answers.close_code) == (["INVALID_MESSAGE"], 1009)
        elif allowed(endpoint, text):
            assert (answers.codes, answers.close_code) == (["AUTH_FAILED"], 4001)
        else:
            assert (answers.codes, answers.close_code) == (["INVALID_MESSAGE"] * 2, None)

    check()


@pytest.mark.parametrize("endpoint", MONITORING)
def test_valid_token_is_accepted_without_an_answer(endpoint: str, player: Player, account: Account) -> None:
    refresh = {"type": "auth_refresh", "payload": {"token": account.api_key}}
    answers = player.play(json.dumps(refresh))
    assert (answers.codes, answers.close_code) == (["INVALID_MESSAGE"], None)
    assert answers.messages[-1]["id"].startswith("known-")


def test_server_has_logged_no_failure(server: Server) -> None:
    """The last test, because it checks the log of all frames above."""
    assert "Traceback" not in server.output
    assert server.http.get("/health/ready").status_code == 200
