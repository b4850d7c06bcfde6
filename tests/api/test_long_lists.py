"""Long lists are written in pieces, so that one request does not hold up the event loop."""

import asyncio
import json

import pytest
from pydantic import BaseModel

from api.conftest import Api
from casare_rpa.infrastructure.orchestrator.api.long_lists import ENTRIES_AT_ONCE, list_response


class Entry(BaseModel):
    number: int
    text: str = 'ä "quoted"'


class Watch:
    """Makes views, and notes how many are made in each turn of the event loop."""

    def __init__(self) -> None:
        self.turns = [0]

    def view(self, number: int) -> Entry:
        self.turns[-1] += 1
        return Entry(number=number)

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turns.append(0)


async def test_others_run_between_the_pieces_of_a_list() -> None:
    watch = Watch()
    other = asyncio.create_task(watch.watch())
    await asyncio.sleep(0)
    response = await list_response(range(1000), watch.view, at_once=100)
    other.cancel()
    assert max(watch.turns) == 100
    assert sum(watch.turns) == 1000
    assert [one["number"] for one in json.loads(response.body)["items"]] == list(range(1000))


@pytest.mark.parametrize("count", [0, 1, ENTRIES_AT_ONCE, ENTRIES_AT_ONCE + 1])
async def test_list_and_fields_are_one_json_object(count: int) -> None:
    response = await list_response(range(count), Watch().view, since='a "b"', more=True, total=count)
    expected = {"items": [{"number": n, "text": 'ä "quoted"'} for n in range(count)]}
    assert json.loads(response.body) == {**expected, "since": 'a "b"', "more": True, "total": count}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.slow
async def test_list_of_robots_longer_than_a_piece_is_complete(api: Api) -> None:
    names = [f"robot-{number:04}" for number in range(ENTRIES_AT_ONCE + 5)]
    for name in names:
        await api.robot(name)
    assert [one["robot_id"] for one in (await api.get("/robots"))["items"]] == names
