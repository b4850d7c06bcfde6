"""Unknown message types: clients ignore them, but no malformed messages."""

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.protocol import Ping


def test_decoder_ignores_an_unknown_type() -> None:
    assert codec.TO_ROBOT.decode_known('{"type":"greeting","payload":{"from":"2.0"}}') is None


def test_decoder_returns_a_message_of_a_known_type() -> None:
    received = codec.TO_ROBOT.decode_known('{"type":"ping","id":7,"payload":{"timestamp":"2025-12-22T14:30:00Z"}}')
    assert received == codec.Received(Ping(timestamp="2025-12-22T14:30:00Z"), 7)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"ping","payload":{}}',
        '{"type":7,"payload":{}}',
        '{"payload":{}}',
        "[]",
        "not JSON",
        '{"type":"greeting"',
    ],
)
def test_decoder_refuses_malformed_messages(text: str) -> None:
    with pytest.raises(ProtocolError):
        codec.TO_ROBOT.decode_known(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"type":"x","payload":[1]}', "x"), ('{"type":null}', None), ("[" * 100_000, None), ('"type"', None)],
)
def test_type_of_returns_the_string_beside_the_payload(text: str, expected: str | None) -> None:
    assert codec.type_of(text) == expected
