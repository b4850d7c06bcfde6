"""Work of many connections begins in turns of the event loop, none of which begins more than a few."""

import asyncio
from functools import partial

import pytest

from casare_rpa.infrastructure.orchestrator.transport.loop_turns import Lane, LoopTurns, Urgency


class Turns(Lane):
    """A lane of its own, which records the work of each turn."""

    def __init__(self, per_turn: int) -> None:
        self.ran: list[list[object]] = [[]]
        loop_turns = LoopTurns(asyncio.get_running_loop())
        super().__init__(loop_turns, per_turn)
        loop_turns.add(self)

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


class Clock:
    """A clock that work moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_turn_begins_one_piece_of_each_lane_and_more_only_within_its_time() -> None:
    clock = Clock()
    turns = LoopTurns(asyncio.get_running_loop(), turn_seconds=0.002, now=clock)
    ran: list[list[str]] = []
    lanes = {"request": turns.lane(2), "frame": turns.lane(4)}

    def work(kind: str, seconds: float) -> None:
        ran[-1].append(kind)
        clock.seconds += seconds

    for number in range(4):
        lanes["frame"].queue(number, partial(work, "frame", 0.005 if number == 0 else 0.0))
        lanes["request"].queue(number, partial(work, "request", 0.0))
    while any(map(len, lanes.values())):
        ran.append([])
        await asyncio.sleep(0)
    assert ran == [
        ["request", "frame"],  # the first frame took the time of the turn
        ["request", "frame", "request", "frame", "frame"],
        ["request"],
    ]


async def test_a_request_waits_when_the_time_of_the_turn_is_over() -> None:
    clock = Clock()
    turns = LoopTurns(asyncio.get_running_loop(), turn_seconds=0.002, now=clock)
    lane, other = turns.lane(2), turns.lane(1)

    def work() -> None:
        clock.seconds += 0.003

    assert not other.run("a", work, Urgency.FIRST)
    assert not lane.run("b", work, Urgency.FIRST), "the first piece of each lane begins always"
    assert lane.run("c", work, Urgency.FIRST)
    await asyncio.sleep(0)
    assert len(lane) == 0


async def test_a_turn_that_is_awaited_comes_in_order_and_a_cancelled_one_does_not_count() -> None:
    lane = LoopTurns(asyncio.get_running_loop()).lane(1)
    order: list[int] = []

    async def wait(number: int) -> None:
        await lane.turn()
        order.append(number)

    tasks = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 2]
    assert len(lane) == 0


async def test_a_lane_that_rests_begins_its_next_piece_when_as_much_time_has_passed_as_the_last_one_took() -> None:
    clock = Clock()
    turns = LoopTurns(asyncio.get_running_loop(), turn_seconds=0.002, now=clock)
    long, other = turns.lane(1, rests=True), turns.lane(1)
    began: list[str] = []

    async def handle(name: str, seconds: float) -> None:
        await long.turn()
        began.append(name)
        clock.seconds += seconds

    tasks = [asyncio.create_task(handle(name, seconds)) for name, seconds in (("a", 0.005), ("b", 0.001), ("c", 0.0))]
    while not began:
        await asyncio.sleep(0)
    rest_began = asyncio.get_running_loop().time()
    assert not other.run("request", partial(began.append, "request"), Urgency.FIRST), "other lanes do not rest"
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert began == ["a", "request", "b", "c"]
    assert asyncio.get_running_loop().time() - rest_began >= 0.004, "a timer of the loop can be a millisecond early"


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize("turns_before", [1, 2], ids=["before its turn", "before it goes on"])
async def test_a_cancelled_caller_does_not_hold_its_lane(rests: bool, turns_before: int) -> None:
    lane = LoopTurns(asyncio.get_running_loop()).lane(1, rests=rests)
    first, second = (asyncio.create_task(lane.turn()) for _ in range(2))
    for _ in range(turns_before):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(second, 10)
    await asyncio.wait_for(lane.turn(), 10)
    assert first.cancelled()
    assert len(lane) == 0
