"""Reads orders from CSV files, counts the ordered pieces per product, and lists the invalid lines."""

import csv
from collections import Counter
from pathlib import Path

from casare_rpa.robot.tasks import BusinessError, job, logger, progress, task

HERE = Path(__file__).parent


@task
def main(folder: str | None = None) -> dict[str, object]:
    """Count the orders in `folder`, a parameter of the job. Default: the orders of this example."""
    files = sorted(Path(folder or HERE / "data").glob("*.csv"))
    if not files:
        raise BusinessError(f"{folder} contains no orders (.csv)")
    ordered: Counter[str] = Counter()
    rejected: list[str] = []
    for number, file in enumerate(files, 1):
        count_orders(file, ordered, rejected)
        progress(100 * number / len(files), f"{number} of {len(files)}: {file.name}")
    report = job().output_dir / "orders.txt"
    report.write_text("".join(f"{product}: {count}\n" for product, count in sorted(ordered.items())))
    return {"files": len(files), "ordered": dict(ordered), "rejected": rejected, "report": str(report)}


def count_orders(file: Path, ordered: Counter[str], rejected: list[str]) -> None:
    """Count one file. An invalid line is part of the result and does not fail the job."""
    with file.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                ordered[row["product"]] += int(row["pieces"])
            except (KeyError, TypeError, ValueError) as error:
                logger.warning("%s:%d is rejected: %s", file.name, number, error)
                rejected.append(f"{file.name}:{number}")
    logger.info("%s counted", file.name)
