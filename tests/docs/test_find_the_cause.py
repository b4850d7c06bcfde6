"""docs/how-to/find-the-cause-of-a-failure.md: its commands are run as written, on a job that failed."""

import re
import shlex
from pathlib import Path

import pytest

from cli.running import casare, done
from contract.server_process import serving
from running_robot import ended, job_when, lines_when, robot
from workflow_folders import workflow_of

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "find-the-cause-of-a-failure.md").read_text(encoding="utf-8")
ORDERS = """
from casare_rpa.robot.tasks import logger, task

@task
def main(month: str) -> None:
    logger.info("open the window 'Orders'")
    if month == "13":
        logger.error("there is no month %s", month)
        raise RuntimeError("The month does not exist")
    logger.info("all orders read")
"""
OUTPUT = {
    "failure list": "The month does not exist",
    "failure show": "Next: casare job show JOB_ID",
    "failure owner": "ana",
    "failure note": "asked the SAP team",
    "job show": "RuntimeError: The month does not exist",
    "job logs": "there is no month 13",
    "job compare": "is the first that differs",
    "failure mute": "muted until 2099",
    "failure unmute": "The month does not exist",
    "failure retry": "1 jobs submitted again.",
}


def commands() -> list[list[str]]:
    """The words of each command on the page, without `casare`."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def test_every_command_of_the_page_has_an_expected_output() -> None:
    assert {" ".join(words[:2]) for words in commands()} == OUTPUT.keys()


@pytest.mark.slow
async def test_commands_of_the_page_lead_to_the_cause(tmp_path: Path) -> None:
    workflow_of(tmp_path / "workflows", {"tasks.py": ORDERS}, "orders")
    with serving(tmp_path / "server") as server:
        account = server.robot()
        async with robot(server, account, tmp_path):
            good = server.job(account, workflow_id="orders", parameters={"month": "12"})["job_id"]
            assert (await job_when(server, good, ended))["status"] == "completed"
            bad = server.job(account, workflow_id="orders", parameters={"month": "13"})["job_id"]
            assert (await job_when(server, bad, ended))["status"] == "failed"
            await lines_when(server, bad, "there is no month")
        (group,) = server.get("/failures")["items"]
        ids = {"GROUP": group["fingerprint"], "JOB_ID": bad}
        for words in commands():
            printed = done(casare(*(ids.get(word, word) for word in words), url=server.url))
            assert OUTPUT[" ".join(words[:2])].replace("JOB_ID", bad) in printed, words
            if words[1] == "list":
                assert printed.splitlines()[1].split()[0] == ids["GROUP"], "the first column"
            if words[1] == "compare":
                assert re.search(r'^month +"13" +"12"$', printed, re.MULTILINE), printed
                assert re.search(r"ERROR +there is no month 13\n.* INFO +all orders read$", printed, re.MULTILINE), (
                    printed
                )
            if words[1] == "unmute":
                assert "muted" not in printed
