"""Works for two minutes, with progress and a log line every second: something to follow and to cancel."""

import time

from casare_rpa.robot.tasks import job, logger, progress, task


@task
def main(seconds: str | int = 120) -> dict[str, int]:
    """Work for this many seconds, a parameter of the job. A cancel ends the work within a second."""
    total = int(seconds)
    for second in range(1, total + 1):
        if job().cancelled:
            logger.warning("cancelled after %d of %d seconds", second - 1, total)
            break
        time.sleep(1)
        logger.info("second %d of %d", second, total)
        progress(100 * second / total, f"second {second} of {total}")
    return {"seconds": total}
