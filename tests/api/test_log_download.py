"""The whole log of a job as a text file."""

from api.conftest import Api, error_of
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.infrastructure.orchestrator.api.routers.jobs import LOG_PAGE

NOON = Instant(1_772_452_800_000_000)  # 2026-03-02T12:00:00Z


async def told(api: Api, robot_id: str, job_id: str | None, *messages: str, tenant_id: str = "default") -> None:
    lines = [
        LogLine(tenant_id, robot_id, Level.INFO, message, NOON, NOON, job_id, node_id="open-sheet")
        for message in messages
    ]
    await api.plane.store.append_logs(lines)


async def test_download_has_every_line_of_all_pages(api: Api) -> None:
    robot = await api.robot("alpha")
    job = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    await told(api, "alpha", job["job_id"], *(f"row {n}" for n in range(2 * LOG_PAGE + 1)))
    path = f"/api/v1/jobs/{job['job_id']}/logs/download"
    text = (await api.admin.get(path)).text
    assert [line.rsplit(" ", 1)[1] for line in text.splitlines()] == [str(n) for n in range(2 * LOG_PAGE + 1)]
    assert text.splitlines()[0] == "2026-03-02T12:00:00.000Z INFO    alpha open-sheet row 0"
    assert (await robot.get(path)).text == text


async def test_download_has_no_lines_of_other_jobs(api: Api) -> None:
    await api.robot("alpha")
    stranger = await api.robot("beta")
    job = await api.post("/jobs", {"workflow_id": "w"})
    other = await api.post("/jobs", {"workflow_id": "w"})
    await api.give(job, "alpha")
    await told(api, "beta", job["job_id"], *["forged"] * LOG_PAGE)
    await told(api, "alpha", job["job_id"], "mine")
    await told(api, "alpha", other["job_id"], "of the other job")
    await told(api, "alpha", job["job_id"], "of the other tenant", tenant_id="other")
    await told(api, "alpha", None, "of no job")
    path = f"/api/v1/jobs/{job['job_id']}/logs/download"
    assert [line.rsplit(" ", 1)[1] for line in (await api.admin.get(path)).text.splitlines()] == ["mine"]
    assert error_of(await stranger.get(path), 403)[1] == "a robot key reads its own jobs only"


async def test_log_of_an_unknown_job_is_not_found(api: Api) -> None:
    assert error_of(await api.admin.get("/api/v1/jobs/job-unknown/logs/download"), 404)[1].startswith("job_id: ")
