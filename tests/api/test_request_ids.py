"""`X-Request-ID`: returned if it has the form of an id, otherwise generated; stored with the submitted job."""

import pytest

from api.conftest import Api


async def test_request_id_is_echoed_and_kept_with_the_job(api: Api) -> None:
    headers = {"X-Request-ID": "batch:2026-03.1"}
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w"}, headers=headers)
    assert response.headers["X-Request-ID"] == "batch:2026-03.1"
    (first,) = (await api.get(f"/jobs/{response.json()['job_id']}/events"))["items"]
    assert (first["transition"], first["by"], first["request_id"]) == ("T1", "admin", "batch:2026-03.1")


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "id\n", "é"])
async def test_request_without_a_usable_id_gets_one(api: Api, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given.encode()}
    response = await api.admin.post("/api/v1/jobs", json={"workflow_id": "w"}, headers=headers)
    made = response.headers["X-Request-ID"]
    assert made.startswith("req-")
    assert len(made) == 20
    (first,) = (await api.get(f"/jobs/{response.json()['job_id']}/events"))["items"]
    assert first["request_id"] == made


async def test_refused_request_has_an_id_too(api: Api) -> None:
    assert (await api.client().get("/api/v1/jobs")).headers["X-Request-ID"].startswith("req-")
