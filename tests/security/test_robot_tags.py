"""A robot cannot choose which jobs it gets: its own tags count only if an admin stored them."""

import pytest

from contract.server_process import Server
from contract.stranger import stranger


@pytest.mark.slow
async def test_robot_gets_a_job_of_its_reported_tag_only_after_an_admin_allowed_it(server: Server) -> None:
    account = server.robot()
    job_id = server.post("/jobs", {"workflow_id": "w", "tags": [f"tag-{account.robot_id}"]})["job_id"]
    async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
        await robot.next("connected")
        tags = [f"tag-{account.robot_id}"]
        await robot.send("hello", {"instance_id": "i-1", "tags": tags, "max_concurrent_jobs": 1000}, id="hello")
        await robot.answer("hello")
        shown = server.get(f"/robots/{account.robot_id}")
        assert (shown["tags"], shown["tags_not_allowed"]) == ([], tags)
        (reason,) = [r for r in server.get(f"/jobs/{job_id}")["pending_reasons"] if r["code"] == "no_robot"]
        assert f"casare robot allow-tags {account.robot_id} {tags[0]}" in reason["message"]
        assert "job_assign" not in robot.kinds()
        response = server.http.patch(f"/api/v1/robots/{account.robot_id}", json={"tags": tags})
        assert (response.status_code, response.json()["tags_not_allowed"]) == (200, [])
        await robot.next("job_assign", lambda fields: fields["job_id"] == job_id)
