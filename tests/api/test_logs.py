"""GET /api/v1/logs: the search in the log lines of all robots."""

from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

NOON = 1_772_452_800_000_000  # 2026-03-02T12:00:00Z


async def told(api: Api, *lines: tuple[str, Level, str]) -> None:
    """Lines with message, level and robot, one per minute, beginning at noon."""
    await api.plane.store.append_logs(
        [
            LogLine("default", robot_id, level, message, Instant(NOON), Instant(NOON + n * 60_000_000), "job-1")
            for n, (message, level, robot_id) in enumerate(lines)
        ]
    )


async def found(api: Api, **parameters: Any) -> list[str]:
    return [line["message"] for line in (await api.get("/logs", **parameters))["items"]]


async def test_lines_are_found_newest_first(api: Api) -> None:
    await told(api, ("Start", Level.INFO, "alpha"), ("no FILE", Level.ERROR, "alpha"), ("filed", Level.INFO, "beta"))
    page = await api.get("/logs")
    assert [line["message"] for line in page["items"]] == ["filed", "no FILE", "Start"]
    assert (page["next_cursor"], page["scanned_to"]) == (None, None)
    assert page["items"][0] == (await api.get("/logs", robot_id="beta"))["items"][0]
    for wanted, expected in (
        ({"q": "file"}, ["filed", "no FILE"]),
        ({"q": "file", "robot_id": "alpha"}, ["no FILE"]),
        ({"min_level": "WARNING"}, ["no FILE"]),
        ({"job_id": "job-1", "limit": 1}, ["filed"]),
        ({"job_id": "job-2"}, []),
        ({"tenant_id": "other"}, []),
    ):
        assert await found(api, **wanted) == expected, wanted


@pytest.mark.parametrize("moment", ["2026-03-02T12:01:00Z", "2026-03-02T14:01:00+02:00", "2026-03-02T12:01:00"])
async def test_from_and_to_accept_any_offset_and_none_means_utc(api: Api, moment: str) -> None:
    await told(api, *((f"{n}", Level.INFO, "alpha") for n in range(3)))
    assert await found(api, **{"from": moment}) == ["2", "1"]
    assert await found(api, to=moment) == ["0"]


async def test_pages_are_contiguous_while_lines_arrive(api: Api) -> None:
    await told(api, *((f"{n}", Level.INFO, "alpha") for n in range(7)))
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while cursor != {"cursor": None}:
        page = await api.get("/logs", limit=3, **cursor)
        seen += [line["message"] for line in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        now = api.plane.clock.now()
        await api.plane.store.append_logs([LogLine("default", "alpha", Level.INFO, "new", now, now)])
    assert seen == list("6543210")


async def test_the_first_line_and_its_followers_take_one_request_each(api: Api) -> None:
    await told(api, *((f"{n}", Level.INFO, "alpha") for n in range(5)))
    page = await api.get("/logs", order="asc", limit=2)
    assert [line["message"] for line in page["items"]] == ["0", "1"]
    assert page["previous_cursor"] is None
    assert await found(api, order="asc", cursor=page["next_cursor"]) == ["2", "3", "4"]


@pytest.mark.parametrize("filters", [{}, {"job_id": "job-9"}, {"robot_id": "alpha"}])
async def test_a_line_is_shown_with_the_lines_around_it(api: Api, filters: dict[str, Any]) -> None:
    lines = [LogLine("default", "alpha", Level.INFO, f"{n}", Instant(NOON), Instant(NOON), "job-9") for n in range(9)]
    stored = await api.plane.store.append_logs(lines)
    assert stored[4] is not None
    page = await api.get("/logs", order="asc", around=stored[4].log_id, limit=4, **filters)
    assert [line["message"] for line in page["items"]] == ["2", "3", "4", "5"]
    assert await found(api, order="asc", cursor=page["next_cursor"], **filters) == ["6", "7", "8"]
    assert await found(api, order="desc", cursor=page["previous_cursor"], **filters) == ["1", "0"]
    page = await api.get("/logs", around=stored[4].log_id, limit=4, **filters)
    assert [line["message"] for line in page["items"]] == ["5", "4", "3", "2"]
    assert await found(api, cursor=page["next_cursor"], **filters) == ["1", "0"]
    assert await found(api, around=stored[4].log_id, limit=1, **filters) == ["4"]
    page = await api.get("/logs", order="asc", around=stored[4].log_id, limit=1, **filters)
    assert await found(api, cursor=page["previous_cursor"], **filters) == ["3", "2", "1", "0"]


async def test_a_line_that_is_not_stored_or_of_another_tenant_is_not_found(api: Api) -> None:
    await told(api, ("here", Level.INFO, "alpha"))
    (line,) = (await api.get("/logs"))["items"]
    for parameters in ({"around": line["log_id"] + 1}, {"around": line["log_id"], "tenant_id": "other"}):
        answer = await api.admin.get("/api/v1/logs", params=parameters)
        code, message = error_of(answer, 404)
        assert (code, message.startswith("around: there is no log line")) == ("INVALID_MESSAGE", True), message


async def test_around_excludes_a_cursor(api: Api) -> None:
    await told(api, ("0", Level.INFO, "alpha"), ("1", Level.INFO, "alpha"))
    page = await api.get("/logs", limit=1)
    parameters = {"around": page["items"][0]["log_id"], "cursor": page["next_cursor"]}
    answer = await api.admin.get("/api/v1/logs", params=parameters)
    code, message = error_of(answer, 422)
    assert (code, message.startswith("cursor: cannot be combined")) == ("INVALID_MESSAGE", True), message


async def test_search_reports_how_far_it_read(api: Api) -> None:
    others = [("other", Level.INFO, "alpha")] * StoreLimits().scanned_lines
    await told(api, ("wanted", Level.INFO, "alpha"), *others)
    page = await api.get("/logs", q="wanted")
    assert (page["items"], page["scanned_to"]) == ([], "2026-03-02T12:01:00.000Z")
    page = await api.get("/logs", q="wanted", cursor=page["next_cursor"])
    assert [line["message"] for line in page["items"]] == ["wanted"]
    assert (page["next_cursor"], page["scanned_to"]) == (None, None)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("order", "up"),
        ("around", "0"),
        ("limit", "501"),
        ("min_level", "LOUD"),
        ("q", ""),
        ("q", "x" * 201),
        ("q", "a\x00b"),
        ("robot_id", "a b"),
        ("job_id", "a\x00"),
        ("tenant_id", ""),
        ("from", "yesterday"),
        ("from", "1772452800"),
        ("to", "2026-03-02"),
        ("to", ""),
        ("to", "0001-01-01T00:00:00+14:00"),
        ("from", "9999-12-31T23:59:59-14:00"),
        ("cursor", "x"),
        ("cursor", "WzEsImoiXQ=="),
        ("cursor", "Wy0xLDJd"),
        ("cursor", "WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ=="),
    ],
)
async def test_invalid_search_is_refused_with_the_parameter(api: Api, parameter: str, value: str) -> None:
    response = await api.admin.get("/api/v1/logs", params={parameter: value})
    assert error_of(response, 422)[1].startswith(parameter + ": ")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_times_of_any_year_are_accepted(api: Api, moment: str) -> None:
    assert await found(api, **{"from": moment, "to": moment}) == []


async def test_robot_cannot_search_logs(api: Api) -> None:
    assert error_of(await (await api.robot("alpha")).get("/api/v1/logs"), 403)[0] == "AUTH_FAILED"


async def test_lines_that_another_robot_forged_for_a_job_are_not_found(api: Api) -> None:
    await api.post("/tenants", {"tenant_id": "acme", "name": "Acme"})
    await api.robot("mine")
    await api.robot("neighbour")
    await api.robot("stranger", "acme")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "mine")
    lines = [
        LogLine(tenant_id, robot_id, Level.INFO, robot_id, Instant(NOON), Instant(NOON), job["job_id"])
        for tenant_id, robot_id in (("default", "mine"), ("default", "neighbour"), ("acme", "stranger"))
    ]
    await api.plane.store.append_logs(lines)
    assert await found(api, job_id=job["job_id"]) == ["mine"]
    assert await found(api, job_id=job["job_id"], tenant_id="acme") == []
    assert await found(api, robot_id="stranger") == ["stranger"]
