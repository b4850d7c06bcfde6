"""What is kept until it is answered."""

import json

from casare_rpa.domain.protocol import Pong
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import Kind, SentMessage, Unanswered


def ids(kept: list[SentMessage | None]) -> list[int]:
    return [one.message_id for one in kept if one is not None]


def test_message_carries_its_id() -> None:
    kept = Unanswered().keep(Kind.END, Pong())
    assert json.loads(kept.frame) == {"type": "pong", "id": kept.message_id, "payload": {}}


def test_message_is_sent_once_a_connection() -> None:
    unanswered = Unanswered()
    first, second = unanswered.keep(Kind.END, Pong()), unanswered.keep(Kind.END, Pong())
    assert [unanswered.take(Kind.END, 0.0) for _ in range(3)] == [first, second, None]
    assert unanswered.due_at(Kind.END) is None
    assert unanswered.count(Kind.END) == 2
    third = unanswered.keep(Kind.END, Pong())
    unanswered.reconnected()
    assert [unanswered.take(Kind.END, 0.0) for _ in range(4)] == [first, second, third, None]


def test_answered_message_is_forgotten() -> None:
    unanswered = Unanswered()
    kept = unanswered.keep(Kind.LOG, Pong())
    assert unanswered.get(kept.message_id) is kept
    unanswered.drop(kept)
    unanswered.drop(kept)
    unanswered.again(kept)
    unanswered.reconnected()
    assert unanswered.get(kept.message_id) is None
    assert unanswered.take(Kind.LOG, 0.0) is None
    assert unanswered.count(Kind.LOG) == 0


def test_foreign_ids_are_nobodys() -> None:
    unanswered = Unanswered()
    unanswered.keep(Kind.LOG, Pong())
    assert [unanswered.get(foreign) for foreign in (99, "1", None)] == [None, None, None]


def test_postponed_message_waits_until_its_time_or_the_next_connection() -> None:
    unanswered = Unanswered()
    kept = unanswered.keep(Kind.CLAIM, Pong())
    unanswered.take(Kind.CLAIM, 0.0)
    unanswered.again(kept, not_before=5.0)
    assert unanswered.due_at(Kind.CLAIM) == 5.0
    assert unanswered.take(Kind.CLAIM, 4.9) is None
    assert unanswered.take(Kind.CLAIM, 5.0) is kept
    assert kept.tries == 2
    unanswered.again(kept, not_before=9.0)
    unanswered.reconnected()
    assert unanswered.take(Kind.CLAIM, 5.0) is kept


def test_kinds_do_not_wait_for_each_other() -> None:
    unanswered = Unanswered()
    log, end = unanswered.keep(Kind.LOG, Pong()), unanswered.keep(Kind.END, Pong())
    assert unanswered.take(Kind.END, 0.0) is end
    assert ids([unanswered.take(Kind.LOG, 0.0)]) == [log.message_id]
    assert list(unanswered.all(Kind.LOG)) == [log]
