"""A request that a robot gave up explains one close with 4009, for two minutes."""

from casare_rpa.infrastructure.orchestrator.communication.robot.late_accepts import LATE_SECONDS, LateAccepts


def test_without_a_request_that_was_given_up_another_process_has_the_identity() -> None:
    assert not LateAccepts().explains_a_close(0.0)


def test_each_request_explains_one_close() -> None:
    late = LateAccepts()
    late.given_up(1.0)
    late.given_up(2.0)
    assert [late.explains_a_close(3.0) for _ in range(3)] == [True, True, False]


def test_old_requests_explain_nothing() -> None:
    late = LateAccepts()
    late.given_up(1.0)
    late.given_up(3.0)
    assert [late.explains_a_close(2.0 + LATE_SECONDS) for _ in range(2)] == [True, False]


def test_old_requests_take_no_memory() -> None:
    late = LateAccepts()
    for minute in range(10_000):
        late.given_up(60.0 * minute)
    assert len(late) == 1 + LATE_SECONDS / 60.0
