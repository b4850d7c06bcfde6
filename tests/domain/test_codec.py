"""The codec: envelopes, the flat form, repaired text, depth, and errors that name the field."""

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, ConnectFailed, ProtocolError, RateLimited, Rejected
from casare_rpa.domain.feed import Position
from casare_rpa.domain.vocabulary import CloseCode, Reconnect

BEAT = {"robot_id": "r", "status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": "2025-12-22T14:30:00"}


def beat(**changes: object) -> str:
    return json.dumps({"type": "heartbeat", "payload": {**BEAT, **changes}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not valid JSON"),
        ("", "not valid JSON"),
        ("[]", "message: expected an object, got a list"),
        ("{}", "type: required, but missing"),
        ('{"type":5,"payload":{}}', "type: expected a text"),
        ('{"type":"sing","payload":{}}', "type: 'sing' is unknown; this endpoint takes heartbeat, job_status"),
        ('{"type":"heartbeat"}', "payload: required, but missing"),
        ('{"type":"heartbeat","payload":null}', "payload: expected an object, got null"),
        (beat(status="asleep"), "heartbeat.status: 'asleep' is not one of idle, busy, offline"),
        (beat(cpu_percent="45"), "heartbeat.cpu_percent: expected a number or null, got a text"),
        (beat(cpu_percent=-1), "heartbeat.cpu_percent: expected a number >= 0"),
        (beat(timestamp="yesterday"), "heartbeat.timestamp: expected a time such as 2026-03-02T08:15:00Z"),
        (beat().replace('"cpu_percent": 1', '"cpu_percent": NaN'), "not valid JSON"),
        (beat().replace('"cpu_percent": 1', '"cpu_percent": 1e999'), "out of range"),
        ("[" * 100_000, "nested deeper than 32"),
        ('{"a":' * 33 + "1" + "}" * 33, "nested deeper than 32"),
        (json.dumps({"type": "pong", "payload": {}, "id": [1]}), "id: expected"),
        (beat(status="x` - at `$.payload.job_id`"), "heartbeat.status: 'x` - at `$.payload.job_id`' is not one of"),
    ],
)
def test_decode_error_names_the_field(text: str, words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.FROM_ROBOT.decode(text)
    assert words in str(caught.value)


def test_error_message_is_short_even_for_a_long_input() -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.FROM_ROBOT.decode(beat(status="x" * 100_000))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("text", ['\\"', '"', '"\\', '\\"' * 2, '"a'])
@pytest.mark.parametrize("end", ["", "\\", '"'])
def test_depth_of_an_unterminated_text_is_found_in_one_pass(text: str, end: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ProtocolError, match="nested deeper than 32"):
        codec.check_depth("[" * 33 + text * (250_000 // len(text)) + end)
    assert time.perf_counter() - began < 5, "a search that reads the text again from each quote takes minutes"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"payload":{"token":"t"}}', "type: required, but missing"),
        ('{"type":"sing","payload":{"token":"t"}}', "type: 'sing' is unknown; this endpoint takes auth_refresh"),
        ('{"type":5,"payload":{"token":"t"}}', "type: expected a text"),
        ('{"type":"auth_refresh"}', "payload: required, but missing"),
    ],
)
def test_decode_of_a_single_message_requires_its_type(text: str, words: str) -> None:
    assert codec.FROM_MONITORING.decode('{"type":"auth_refresh","payload":{"token":"t"}}').message.token == "t"
    with pytest.raises(ProtocolError) as caught:
        codec.FROM_MONITORING.decode(text)
    assert words in str(caught.value)


def test_decode_ignores_unknown_keys_and_returns_the_id() -> None:
    received = codec.FROM_ROBOT.decode('{"type":"pong","id":7,"new":1,"payload":{"x":[[[[]]]]}}')
    assert received == codec.Received(protocol.Pong(), 7)


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    codec.check_depth(json.dumps({"a": "[{" * 100}))
    codec.check_depth("[" * 32 + "]" * 32 + "[]")


def test_id_of_a_malformed_message_is_found() -> None:
    assert codec.id_of('{"type":"sing","id":"abc","payload":null}') == "abc"
    assert codec.id_of("nonsense") is None
    assert codec.id_of("{}") is None


def test_json_text_is_as_strict_as_messages() -> None:
    assert codec.json_text(msgspec.Raw(b'{"a":1.5}'), "payload.result") == '{"a":1.5}'
    with pytest.raises(ProtocolError, match=r"payload\.result"):
        codec.json_text(msgspec.Raw(b"1e999"), "payload.result")


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (r'"a\u0000b"', '"a\\ufffdb"'),
        (r'"\ud800"', '"\\ufffd"'),
        (r'"\udc00x"', '"\\ufffdx"'),
        (r'"\ud83d\ude00"', r'"\ud83d\ude00"'),
        (r'"\ud83d\n"', '"\\ufffd\\n"'),
        (r'"\\u0000 \\ud800"', r'"\\u0000 \\ud800"'),
        (r'"\u0041\u0000"', '"\\u0041\\ufffd"'),
        (r'"\\\u0000\\\\\udc00"', '"\\\\\\ufffd\\\\\\\\\\ufffd"'),
        (r'"\ud83d\\\ude00"', '"\\ufffd\\\\\\ufffd"'),
        (r'"\uD83D\uDE00\uDE00\uD83D"', '"\\uD83D\\uDE00\\ufffd\\ufffd"'),
        ('"\0\0\\u0000"', '"\0\0\\u0000"'),  # not JSON: the decoder refuses an unescaped NUL
    ],
)
def test_repair_replaces_only_characters_that_cannot_be_stored(text: str, repaired: str) -> None:
    assert codec.repair(text) == repaired


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters()))
def test_repair_makes_any_string_storable_and_keeps_valid_ones(text: str) -> None:
    repaired = json.loads(codec.repair(json.dumps(text)))
    repaired.encode()
    assert "\0" not in repaired
    if "\0" not in text:
        assert repaired == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=10).map(json.dumps))
)
def test_decode_raises_only_protocol_errors(text: str) -> None:
    for decoder in (codec.FROM_ROBOT, codec.FROM_ADMIN, codec.FROM_MONITORING, codec.TO_ROBOT):
        with pytest.raises(ProtocolError):
            decoder.decode(text)
    codec.id_of(text)


def test_encode_puts_the_id_beside_the_type() -> None:
    ack = protocol.Ack(id="x")
    assert codec.encode(ack, 5) == b'{"type":"ack","id":5,"payload":{"id":"x"}}'


def test_every_close_code_has_a_meaning_and_a_rule_for_clients() -> None:
    for code in CloseCode:
        assert code.meaning
        assert code.reconnect in Reconnect
    assert CloseCode.REPLACED.reconnect is Reconnect.SLOWLY
    assert AuthError("no").close_code is CloseCode.AUTH_FAILED


def test_errors_have_their_details_as_attributes() -> None:
    assert RateLimited("slow", 2.5).retry_after_seconds == 2.5
    assert not ConnectFailed("no", retryable=False).retryable
    refused = Rejected("no", "INVALID_MESSAGE", 409)
    assert (refused.error_code, refused.status) == ("INVALID_MESSAGE", 409)


def test_position_of_a_message_is_beside_its_type() -> None:
    ping = codec.encode(protocol.Ping(timestamp="t"))
    assert codec.numbered(ping, Position("e", 7)) == b'{"type":"ping","epoch":"e","seq":7,"payload":{"timestamp":"t"}}'
    line = b'{"type":"log","payload":{}}'
    assert codec.log_frame(line, 9, 2) == b'{"type":"log","log_id":9,"seq":2,"payload":{}}'
    assert codec.log_frame(line, 9, 2, 3) == b'{"type":"log","log_id":9,"seq":2,"dropped":3,"payload":{}}'


def test_message_without_fields_needs_no_payload() -> None:
    received = codec.FROM_ROBOT.decode('{"type":"pong","id":7}')
    assert (received.message, received.id) == (protocol.Pong(), 7)
