"""A failed job is compared with the last good run of its workflow."""

from typing import Any

import pytest

from api.conftest import Api, error_of
from casare_rpa.domain.instants import after
from casare_rpa.domain.job_events import Report
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.steps import RunStep, StepReport
from casare_rpa.domain.vocabulary import ReportStatus, StepStatus


async def ran(
    api: Api, parameters: dict[str, Any], end: str, lines: list[str], steps: dict[str, float], workflow: str = "w"
) -> str:
    """A job that the robot alpha ran, with log lines, and steps with their seconds."""
    store, now = api.plane.store, api.plane.clock.now()
    job = await api.post("/jobs", {"workflow_id": workflow, "parameters": parameters})
    job_id: str = job["job_id"]
    await api.give(job, "alpha")
    await store.apply([Change(job_id, Report("alpha", "ses-test", 1, ReportStatus.RUNNING), now)])
    await store.append_logs([LogLine("default", "alpha", Level.INFO, line, now, now, job_id) for line in lines])
    done = tuple(
        RunStep(number, None, name, "keyword", StepStatus.PASSED, now, after(now, seconds))
        for number, (name, seconds) in enumerate(steps.items(), start=1)
    )
    await store.add_steps(StepReport("alpha", job_id, 1, done, len(done)))
    error = '{"type": "ValueError", "message": "no"}' if end == "failed" else None
    report = Report("alpha", "ses-test", 1, ReportStatus(end), error=error)
    await store.apply([Change(job_id, report, after(api.plane.clock.now(), 1))])
    return job_id


async def test_failed_job_is_compared_with_the_last_completed_one(api: Api) -> None:
    await api.robot("alpha")
    await ran(api, {"month": "01"}, "completed", [], {})
    good = await ran(api, {"month": "02", "page": 1}, "completed", ["row 1", "saved"], {"Open": 1, "Close": 1})
    bad = await ran(api, {"month": "03", "page": 1}, "failed", ["row 9", "window not found"], {"Open": 4})
    await ran(api, {}, "completed", [], {})
    found = await api.get(f"/jobs/{bad}/comparison")
    assert (found["run"]["job_id"], found["run"]["status"]) == (bad, "failed")
    assert (found["other"]["job_id"], found["other"]["robot_id"]) == (good, "alpha")
    assert found["run"]["ran_seconds"] >= 1
    differences = found["differences"]
    assert differences["parameters"] == [{"path": "month", "run": '"03"', "other": '"02"'}]
    assert [(one["path"], one["run"] is None) for one in differences["steps"]] == [(["Close"], True), (["Open"], False)]
    assert differences["steps"][1]["run"] == {"status": "passed", "seconds": 4}
    assert differences["first_line"]["number"] == 2
    assert differences["first_line"]["run"]["message"] == "window not found"
    assert differences["first_line"]["other"]["message"] == "saved"
    assert (differences["lines_compared"], differences["lines_cut"]) == (2, False)


async def test_job_without_an_earlier_good_run_has_nothing_to_compare_with(api: Api) -> None:
    await api.robot("alpha")
    bad = await ran(api, {}, "failed", ["a"], {})
    await ran(api, {}, "completed", ["a"], {})
    found = await api.get(f"/jobs/{bad}/comparison")
    assert (found["run"]["job_id"], found["other"], found["differences"]) == (bad, None, None)


async def test_other_job_can_be_named(api: Api) -> None:
    await api.robot("alpha")
    first, second = await ran(api, {}, "failed", ["a"], {}), await ran(api, {}, "failed", ["a", "b"], {})
    found = await api.get(f"/jobs/{second}/comparison", **{"with": first})
    assert found["other"]["job_id"] == first
    first_line = found["differences"]["first_line"]
    assert (first_line["number"], first_line["run"]["message"], first_line["other"]) == (2, "b", None)
    assert found["differences"]["lines_compared"] == 1
    unknown = await api.admin.get(f"/api/v1/jobs/{second}/comparison", params={"with": "job-none"})
    assert error_of(unknown, 404)[1] == "with: there is no job 'job-none'"
    foreign = await ran(api, {}, "completed", [], {}, workflow="x")
    refused = await api.admin.get(f"/api/v1/jobs/{second}/comparison", params={"with": foreign})
    assert error_of(refused, 422)[1] == "with: a job of the workflow 'w' is expected"
    error_of(await api.admin.get("/api/v1/jobs/job-none/comparison"), 404)


async def test_long_logs_and_values_are_cut_and_say_so(api: Api) -> None:
    await api.robot("alpha")
    lines = ["same"] * 2_001
    await ran(api, {"text": "a" * 1_000, **{f"p{n}": 1 for n in range(120)}}, "completed", lines, {})
    bad = await ran(api, {"text": "b", **{f"p{n}": 2 for n in range(120)}}, "failed", lines, {})
    differences = (await api.get(f"/jobs/{bad}/comparison"))["differences"]
    assert (differences["lines_compared"], differences["lines_cut"], differences["first_line"]) == (2_000, True, None)
    assert (len(differences["parameters"]), differences["parameters_left_out"]) == (100, 21)
    whole = await api.get(f"/jobs/{bad}/comparison", **{"with": bad})
    assert whole["differences"]["parameters"] == []


@pytest.mark.slow
async def test_log_with_many_characters_is_cut(api: Api) -> None:
    await api.robot("alpha")
    lines = ["x" * 60_000] * 250
    await ran(api, {}, "completed", lines, {})
    differences = (await api.get(f"/jobs/{await ran(api, {}, 'failed', lines, {})}/comparison"))["differences"]
    assert (differences["lines_compared"], differences["lines_cut"], differences["first_line"]) == (200, True, None)
