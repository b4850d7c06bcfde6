"""The short form of `make chaos`: a tenth of the deadlines, six robots, one of each of the worst faults."""

from pathlib import Path

import pytest

from chaos import cluster_faults, faults, pace
from chaos.campaign import Wishes, lying
from chaos.duplicates import repeat_everything
from chaos.run import run_campaign, table
from chaos.server_process import ACK_BEFORE_COMMIT
from chaos.storm import run_storm, storm_table

SHORT = (
    faults.robots_killed,
    faults.server_killed_after_commit,
    faults.robot_stopped_until_its_lease_ends,
    faults.server_killed_after_send,
    faults.connections_reset,
    faults.robot_killed_before_its_report,
    faults.submitter_killed_before_it_wrote_the_answer,
    faults.half_open_down,
    faults.twins,
    faults.server_restarted,
    faults.server_away,
    repeat_everything,
)

SHORT_FOR_INSTANCES = (
    cluster_faults.instance_killed,
    cluster_faults.instances_changed_to_the_other_version_in_turn,
    cluster_faults.connections_to_the_database_ended,
)


@pytest.mark.slow
async def test_no_job_is_lost_or_run_twice_under_random_kills(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path, pace=pace.COMPRESSED, robots=6)
    outcome = await run_campaign(wishes, 0, print, SHORT)
    assert outcome.good, table(outcome)
    assert outcome.verdict.submitted > 50
    assert outcome.deaths["server"] >= 4


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_job_is_lost_or_run_twice_when_one_of_two_instances_ends(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path, pace=pace.COMPRESSED, robots=6, instances=2, viewers=2)
    outcome = await run_campaign(wishes, 0, print, SHORT_FOR_INSTANCES)
    assert outcome.good, table(outcome)
    assert outcome.verdict.submitted >= 10
    assert outcome.deaths["server"] >= 3


@pytest.mark.slow
@pytest.mark.long
async def test_server_that_answers_before_it_commits_is_detected(tmp_path: Path) -> None:
    outcome = await run_campaign(lying(tmp_path, 1, ACK_BEFORE_COMMIT), 0, print, faults.LIAR_FAULTS * 3)
    broken = outcome.verdict.violations
    assert {"lost", "forgotten"} & set(broken), table(outcome)


@pytest.mark.slow
@pytest.mark.long
async def test_robots_disconnected_together_all_reconnect_without_loss(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path, pace=pace.COMPRESSED, robots=0, jobs_per_second=10)
    outcome = await run_storm(wishes, 300, print)
    assert outcome.good, storm_table(outcome)
