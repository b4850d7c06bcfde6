"""Schema and decoder agree: allowed messages are accepted, others are refused with the field."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.logs import parse_level
from casare_rpa.domain.protocol import LogBatch, RobotLog
from schema.document import frames_of, problems
from schema.frames import MORE, damaged, mutated, valid, valid_frames

DECODERS: dict[str, codec.Decoder[Any]] = {
    "/ws/robot/{robot_id}": codec.FROM_ROBOT,
    "/ws/admin": codec.FROM_ADMIN,
    "/ws/monitoring/live-jobs": codec.FROM_MONITORING,
}
MESSAGES = [(address, kind) for address in DECODERS for kind in frames_of(address, "in")]
BOUNDED = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)


def decoded(address: str, text: str) -> codec.Received[Any] | None:
    """The message, or `None` if it was refused with an error about the field."""
    try:
        received = DECODERS[address].decode(text)
        return received if _levels_known(received.message) else None
    except ProtocolError as error:
        sentence = str(error)
    codec.id_of(text)
    assert ": " in sentence
    return None


def _levels_known(message: Any) -> bool:
    """The log slice refuses unknown levels with the name of the field. The decoder does not check them."""
    lines = message.entries if isinstance(message, LogBatch) else [message]
    return all(parse_level(line.level) is not None for line in lines if isinstance(line, RobotLog))


@pytest.mark.slow
@MORE
@pytest.mark.parametrize(("address", "kind"), MESSAGES)
def test_message_allowed_by_the_schema_is_decoded(address: str, kind: str, more: int) -> None:
    @settings(BOUNDED, max_examples=30 * more)
    @given(valid(frames_of(address, "in")[kind]))
    def check(frame: dict[str, Any]) -> None:
        received = DECODERS[address].decode(json.dumps(frame))
        given_id = frame.get("id")
        kept = given_id.replace("\0", "\ufffd") if isinstance(given_id, str) else given_id
        assert (received.message.TYPE, received.id) == (kind, kept)

    check()


@pytest.mark.slow
@MORE
@pytest.mark.parametrize("address", DECODERS)
def test_message_forbidden_by_the_schema_is_refused_with_the_field(address: str, more: int) -> None:
    kinds = tuple(frames_of(address, "in"))

    @settings(BOUNDED, max_examples=100 * more)
    @given(mutated(valid_frames(address), kinds))
    def check(frame: Any) -> None:
        schema = frames_of(address, "in").get(str(frame.get("type")))
        allowed = schema is not None and not problems(schema, frame)
        assert (decoded(address, json.dumps(frame)) is not None) == allowed

    check()


@pytest.mark.slow
@MORE
@pytest.mark.parametrize("address", DECODERS)
def test_any_text_is_a_message_or_a_protocol_error(address: str, more: int) -> None:
    @settings(BOUNDED, max_examples=100 * more)
    @given(st.one_of(damaged(valid_frames(address)), st.text(), st.text('{}[]":,\\u0d8"type1e')))
    def check(text: str) -> None:
        received = decoded(address, text)
        if received is not None:
            codec.encode(received.message, received.id)

    check()
