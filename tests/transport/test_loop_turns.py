"""Work of many connections begins in turns of the event loop, none of which begins more than a few."""

import asyncio

from casare_rpa.infrastructure.orchestrator.transport.loop_turns import LoopTurns, Urgency


class Turns(LoopTurns):
    """Records the work of each turn."""

    def __init__(self, per_turn: int) -> None:
        super().__init__(asyncio.get_running_loop(), per_turn)
        self.ran: list[list[object]] = [[]]

    def arrive(self, key: object, urgency: Urgency = Urgency.FIRST) -> bool:
        return self.run(key, lambda: self.ran[-1].append(key), urgency)

    async def turn(self) -> None:
        self.ran.append([])
        await asyncio.sleep(0)


async def test_work_runs_at_once_up_to_the_limit_of_a_turn() -> None:
    turns = Turns(per_turn=2)
    assert [turns.arrive(number) for number in range(3)] == [False, False, True]
    assert turns.ran == [[0, 1]]
    await turns.turn()
    assert turns.ran[-1] == [2]
    assert len(turns) == 0


async def test_health_checks_come_first_and_later_requests_last_each_in_order() -> None:
    turns = Turns(per_turn=2)
    for key in "abcd":
        turns.arrive(key)
    for key in "xy":
        turns.arrive(key, Urgency.LATER)
    turns.arrive("e")
    turns.arrive("h", Urgency.HEALTH)
    while len(turns):
        await turns.turn()
    assert turns.ran == [["a", "b"], ["h", "c"], ["d", "e"], ["x", "y"]]


async def test_no_turn_starts_more_than_its_limit() -> None:
    turns = Turns(per_turn=2)
    for number in range(10):
        turns.arrive(number)
        if number % 3 == 0:
            await turns.turn()
    while len(turns):
        await turns.turn()
    assert max(map(len, turns.ran)) <= 2
    assert sorted(key for ran in turns.ran for key in ran) == list(range(10))


async def test_cancelled_work_does_not_run() -> None:
    turns = Turns(per_turn=1)
    turns.arrive("a")
    turns.arrive("b")
    turns.arrive("c", Urgency.LATER)
    for key in "abcd":
        turns.cancel(key)
    await turns.turn()
    assert turns.ran == [["a"], []]
    turns.arrive("d")
    assert turns.ran[-1] == ["d"], "an empty queue delays nothing"


async def test_queued_work_runs_in_later_turns_and_once_for_each_connection() -> None:
    turns = Turns(per_turn=2)
    for key in "abcab":
        turns.queue(key, lambda key=key: turns.ran[-1].append(key))
    assert turns.ran == [[]], "not in this turn"
    while len(turns):
        await turns.turn()
    assert turns.ran == [[], ["a", "b"], ["c"]]
