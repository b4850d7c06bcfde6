"""The stored session of a robot."""

import pytest
from msgspec.structs import replace

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.robot_sessions import Connecting, RobotSession, Takeover, begin_session, is_occupied

START = Instant(1_000_000_000)


def at(seconds: float) -> Instant:
    return after(START, seconds)


def connecting(session_id: str, seconds: float = 0, instance: str = "a", replaced: str | None = None) -> Connecting:
    return Connecting("robot-1", session_id, instance, at(seconds), replaced)


def taken_over(count: int, *processes: str | None, seconds: float = 0) -> RobotSession:
    """A session after some takeovers, of these processes in turn."""
    takeovers = tuple(Takeover(at(seconds), processes[number % len(processes)]) for number in range(count))
    return RobotSession("robot-1", "a", "s-0", 9, takeovers)


def test_first_session_has_number_1() -> None:
    assert begin_session(None, connecting("s-1"), alive=False) == RobotSession("robot-1", "a", "s-1", 1)


def test_next_session_of_a_disconnected_robot_takes_nothing_over() -> None:
    before = RobotSession("robot-1", "b", None, 4)
    assert begin_session(before, connecting("s-5"), alive=True) == RobotSession("robot-1", "a", "s-5", 5)


def test_session_of_a_dead_instance_is_not_taken_over() -> None:
    before = RobotSession("robot-1", "b", "s-4", 4)
    assert begin_session(before, connecting("s-5"), alive=False) == RobotSession("robot-1", "a", "s-5", 5)


def test_takeover_is_stored_with_the_replaced_process() -> None:
    before = RobotSession("robot-1", "a", "s-4", 4)
    session = begin_session(before, connecting("s-5", 7, replaced="p"), alive=True)
    assert session == RobotSession("robot-1", "a", "s-5", 5, (Takeover(at(7), "p"),))


def test_session_that_moves_names_the_instance_that_had_it() -> None:
    before = RobotSession("robot-1", "b", "s-4", 4)
    session = begin_session(before, connecting("s-5"), alive=True)
    assert session is not None
    assert (session.instance, session.moved_from) == ("a", "b")


def test_repeated_call_changes_nothing() -> None:
    before = RobotSession("robot-1", "a", "s-4", 4, (Takeover(at(0), None),))
    assert begin_session(before, connecting("s-4", 90), alive=True) is before


@pytest.mark.parametrize(
    ("before", "alive", "occupied"),
    [
        (None, False, False),
        (RobotSession("robot-1", "a", "s-4", 4), True, True),
        (RobotSession("robot-1", "b", "s-4", 4), True, True),
        (RobotSession("robot-1", "b", "s-4", 4), False, False),
        (RobotSession("robot-1", "b", None, 4), True, False),
        (RobotSession("robot-1", "a", "s-5", 5), True, False),  # the call is repeated
    ],
)
def test_session_of_a_running_instance_is_replaced_only_if_the_call_allows_it(
    before: RobotSession | None, alive: bool, occupied: bool
) -> None:
    wanted = connecting("s-5")
    assert is_occupied(before, replace(wanted, only_if_free=True), alive=alive) is occupied
    assert not is_occupied(before, wanted, alive=alive)


@pytest.mark.parametrize(
    ("count", "processes", "seconds", "refused"),
    [
        (4, ("p", "q"), 60, True),
        (4, ("p", "q"), 60.1, False),
        (3, ("p", "q"), 60, False),
        (4, ("p",), 60, False),
        (4, (None,), 60, True),
        (4, (None, "p"), 60, True),
    ],
)
def test_connection_is_refused_when_processes_replace_each_other(
    count: int, processes: tuple[str | None, ...], seconds: float, refused: bool
) -> None:
    session = begin_session(taken_over(count, *processes), connecting("s-1", seconds), alive=True)
    assert (session is None) is refused


def test_only_as_many_takeovers_are_stored_as_are_needed() -> None:
    session = begin_session(taken_over(4, "p"), connecting("s-1", 1, replaced="p"), alive=True)
    assert session is not None
    assert [one.at for one in session.takeovers] == [at(0)] * 3 + [at(1)]
