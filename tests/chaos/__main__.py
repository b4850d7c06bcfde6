"""`make chaos`: 0 when every promise held, 1 when one did not."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from chaos import pace
from chaos.campaign import Wishes
from chaos.run import run_campaign, table
from chaos.server_process import BREAKS

LIAR_SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--robots", type=int, default=20)
    parser.add_argument("--pace", choices=sorted(pace.PACES), default=pace.PRODUCTION.name)
    parser.add_argument("--break", dest="lie", choices=("", *BREAKS), default="")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="casare-chaos-"))
    wishes = Wishes(folder, arguments.seed, pace.PACES[arguments.pace], arguments.robots, lie=arguments.lie)
    seconds = arguments.minutes * 60
    if arguments.lie:
        wishes = Wishes(folder, arguments.seed, pace.COMPRESSED, robots=4, jobs_per_second=20, lie=arguments.lie)
        seconds = LIAR_SECONDS
    outcome = asyncio.run(run_campaign(wishes, seconds, lambda line: print(line, flush=True)))
    print(table(outcome))
    if outcome.good:
        shutil.rmtree(folder)
        return 0
    print(f"journals, logs and database: {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
