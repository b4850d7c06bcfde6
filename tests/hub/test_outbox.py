"""The outbox keeps required messages, replaces state, and drops old log lines and reports their number."""

from casare_rpa.infrastructure.orchestrator.hub.outbox import (
    MAX_BYTES,
    MAX_MESSAGES,
    Outbox,
    Policy,
    outgoing,
    text_frame,
)


def drain(outbox: Outbox) -> list[bytes]:
    return [outbox.pop() for _ in range(len(outbox))]


def test_outbox_keeps_order() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.add_message(outgoing(b'{"n":%d}' % number), 0.0)
    assert drain(outbox) == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_outbox_replaces_state_by_the_newest_of_its_key() -> None:
    outbox = Outbox()
    outbox.add_message(outgoing(b'{"r":1}', Policy.LATEST, "robot-1"), 0.0)
    outbox.add_message(outgoing(b'{"r":2}', Policy.LATEST, "robot-2"), 0.0)
    outbox.add_message(outgoing(b'{"r":11}', Policy.LATEST, "robot-1"), 0.0)
    assert drain(outbox) == [b'{"r":11}', b'{"r":2}']


def test_outbox_accepts_state_again_after_it_was_sent() -> None:
    outbox = Outbox()
    outbox.add_message(outgoing(b'{"r":1}', Policy.LATEST, "robot-1"), 0.0)
    drain(outbox)
    outbox.add_message(outgoing(b'{"r":2}', Policy.LATEST, "robot-1"), 0.0)
    assert drain(outbox) == [b'{"r":2}']


def test_full_outbox_drops_the_oldest_log_lines_and_reports_their_number() -> None:
    outbox = Outbox()
    for number in range(MAX_MESSAGES):
        outbox.add_message(outgoing(b'{"n":%d}' % number, Policy.DROP_OLDEST), 0.0)
    assert outbox.add_message(outgoing(b'{"n":-1}', Policy.DROP_OLDEST), 1.0) == 1
    messages = drain(outbox)
    assert messages[0] == b'{"dropped":1,"n":1}'
    assert messages[-1] == b'{"n":-1}'


def test_outbox_never_drops_required_messages() -> None:
    outbox = Outbox()
    for _ in range(MAX_MESSAGES + 10):
        assert outbox.add_message(outgoing(b"{}"), 0.0) == 0
    assert len(outbox) == MAX_MESSAGES + 10


def test_outbox_has_the_time_since_when_it_is_full() -> None:
    outbox = Outbox()
    for second in range(MAX_MESSAGES + 1):
        outbox.add_message(outgoing(b"{}"), float(second))
    assert outbox.full_since == float(MAX_MESSAGES - 1)
    outbox.pop()
    outbox.pop()
    assert outbox.full_since is None


def test_outbox_overruns_at_twice_the_limit_of_required_messages() -> None:
    outbox = Outbox()
    big = outgoing(b'"' + b"x" * MAX_BYTES + b'"')
    outbox.add_message(big, 0.0)
    assert not outbox.overrun
    outbox.add_message(big, 0.0)
    assert outbox.overrun


def test_outbox_counts_bytes_of_replaced_state_once() -> None:
    outbox = Outbox()
    for _ in range(100):
        outbox.add_message(outgoing(b'"' + b"x" * (MAX_BYTES // 10) + b'"', Policy.LATEST, "robot-1"), 0.0)
    assert not outbox.full


def test_text_frame_uses_the_three_length_forms() -> None:
    assert text_frame(b"a" * 125)[:2] == b"\x81\x7d"
    assert text_frame(b"a" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"a" * 65536)[:10] == b"\x81\x7f" + (65536).to_bytes(8, "big")
