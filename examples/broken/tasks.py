"""Fails on the third order: shows where the log, the error and the place in the code appear."""

from casare_rpa.robot.tasks import logger, progress, task

ORDERS = [{"number": 1, "pieces": 3}, {"number": 2, "pieces": 5}, {"number": 3}]


@task
def main() -> dict[str, int]:
    """Count the pieces of all orders. One order has none."""
    pieces = 0
    for position, order in enumerate(ORDERS, 1):
        logger.info("order %d", order["number"])
        pieces += order["pieces"]
        progress(100 * position / len(ORDERS), f"{position} of {len(ORDERS)} orders")
    return {"pieces": pieces}
