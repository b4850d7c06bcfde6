"""`make chaos`: exits with 0 if every guarantee held, otherwise with 1."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from chaos import pace
from chaos.campaign import Wishes, lying
from chaos.run import run_campaign, table
from chaos.server_process import BREAKS
from chaos.storm import run_storm, storm_table

LIAR_SECONDS = 20.0


def say(line: str) -> None:
    """Progress, at once."""
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--robots", type=int, default=None)
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--pace", choices=sorted(pace.PACES), default=pace.PRODUCTION.name)
    parser.add_argument("--break", dest="lie", choices=("", *BREAKS), default="")
    parser.add_argument("--storm", type=int, default=0)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="casare-chaos-"))
    folder.chmod(0o755)  # the database server runs as another user
    robots = arguments.robots or (20 if arguments.instances == 1 else 100)
    wishes = Wishes(folder, arguments.seed, pace.PACES[arguments.pace], robots, lie=arguments.lie)
    if arguments.instances > 1:
        # Half of the seeds use NATS.
        wishes = replace(wishes, instances=arguments.instances, nats=arguments.seed % 2 == 0, viewers=20)
    seconds = arguments.minutes * 60
    if arguments.lie:
        wishes = lying(folder, arguments.seed, arguments.lie)
        seconds = LIAR_SECONDS
    if arguments.storm:
        storm = asyncio.run(run_storm(replace(wishes, robots=0), arguments.storm, say))
        good, told = storm.good, storm_table(storm)
    else:
        outcome = asyncio.run(run_campaign(wishes, seconds, say))
        good, told = outcome.good, table(outcome)
    print(told)
    if good:
        shutil.rmtree(folder)
        return 0
    print(f"journals, logs and database: {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
