"""Compares this version with another commit: `make bench AGAINST=<commit>`.

Both versions are measured by the drivers of this tree, in turns, so that a machine that becomes slower affects both.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import uvloop

from bench import fan_out, inbound, jobs, writer
from bench.figures import Figures, human
from bench.machine import pin
from bench.plan import Plan
from bench.product import PRESENT, Product, measured
from bench.servers import LOAD_CORE

INSTALLED = PRESENT.tree / ".tools" / "bench"
UV = PRESENT.tree / ".tools" / "uv" / "bin" / "uv"
TURNS = 5
TOLERANCE = 0.05
LONG = Plan(turns=1, seconds=2.0, late_seconds=2.0)
SHORT = Plan(turns=1, seconds=0.8, late_seconds=1.0)
MEASURES = ("jobs", "inbound", "fan-out", "writer")
MORE_MICROSECONDS = 5.0
"""How much more CPU time a change may take in the writer of the store."""


@dataclass(frozen=True)
class Comparison:
    """One measure of both versions."""

    name: str
    unit: str
    base: Sequence[float]
    present: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of this version divided by that of the base; inverted for a time, so that more is better."""
        base, present = statistics.median(self.base), statistics.median(self.present)
        return present / base if self.unit.endswith("/s") else base / present

    @property
    def spread(self) -> float:
        """Half of the range of the base as a share of its median: the variation between runs of one version."""
        return (max(self.base) - min(self.base)) / 2 / statistics.median(self.base)

    @property
    def more(self) -> float:
        """The difference of the medians."""
        return statistics.median(self.present) - statistics.median(self.base)

    @property
    def within(self) -> bool:
        """Whether this version is at most 5 % worse than the base, or 5 µs a change, apart from its spread."""
        if self.unit == "µs":
            return self.more <= MORE_MICROSECONDS + self.spread * statistics.median(self.base)
        return self.ratio >= 1 - TOLERANCE - self.spread

    def line(self) -> str:
        """The line for the terminal."""
        base, present = human(statistics.median(self.base)), human(statistics.median(self.present))
        verdict = f"{self.more:+.1f} µs" if self.unit == "µs" else "within 5 %"
        verdict = verdict if self.within else f"WORSE{', ' + verdict if self.unit == 'µs' else ''}"
        return f"{self.name:<66}{base:>9}{present:>9} {self.unit:<13}{self.ratio:>6.3f}{self.spread:>8.3f}  {verdict}"


HEAD = f"{'measure':<66}{'base':>9}{'present':>9} {'unit':<13}{'ratio':>6}{'spread':>8}"


def compared(base: Figures, present: Figures) -> Iterator[Comparison]:
    """The measures that both versions have."""
    for figure in base.all():
        other = present.get(figure.name, pinned=figure.pinned)
        if other is not None:
            yield Comparison(figure.name, figure.unit, figure.runs, other.runs)


def order_of_turn(turn: int, base: Product, present: Product) -> tuple[Product, Product]:
    """The version that runs first alternates, because the first run has a cooler machine."""
    return (base, present) if turn % 2 == 0 else (present, base)


def installed(commit: str) -> Product:
    """The version of a commit, in `.tools/bench/against-<sha>` with an environment of its own."""
    sha = _output("git", "rev-parse", "--verify", f"{commit}^{{commit}}").strip()
    tree = INSTALLED / f"against-{sha[:12]}"
    python = tree / ".venv" / "bin" / "python"
    stamp = tree / ".venv" / ".stamp"
    if not stamp.exists():
        print(f"setup: installing {sha[:12]} into {tree.relative_to(PRESENT.tree)}/", file=sys.stderr)
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", sha], cwd=PRESENT.tree, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "x", "-C", str(tree)], input=archive, check=True)
        _uv("venv", "--python", sys.executable, str(tree / ".venv"))
        _uv(
            "pip",
            "sync",
            "--compile-bytecode",
            "--python",
            str(python),
            "--require-hashes",
            str(tree / "requirements.lock"),
        )
        _uv("pip", "install", "--python", str(python), "--no-deps", "-e", str(tree))
        stamp.touch()
    return Product(tree, python)


def _uv(*arguments: str) -> None:
    """Install from the cache if it has all packages, because the registry may have changed or be unreachable."""
    command = [str(UV), "-q", *arguments]
    if subprocess.run([*command, "--offline"], cwd=PRESENT.tree, capture_output=True, check=False).returncode != 0:
        subprocess.run(command, cwd=PRESENT.tree, check=True)


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=PRESENT.tree, stdout=subprocess.PIPE, text=True, check=True).stdout


async def measure(base: Product, *, turns: int, plan: Plan, only: Sequence[str]) -> tuple[Figures, Figures]:
    """All turns of both versions: the figures of the base, then those of this version."""
    figures = {base: Figures(), PRESENT: Figures()}
    pin(os.getpid(), LOAD_CORE)
    for turn in range(turns):
        for product in order_of_turn(turn, base, PRESENT):
            steps = {
                "jobs": partial(jobs.measure, robots=200, batch=jobs.BATCH),
                "inbound": partial(inbound.measure, robots=50, kinds=("mix with logs",)),
                "fan-out": partial(fan_out.measure, viewers=1000),
                "writer": writer.measure,
            }
            for name, step in steps.items():
                if not only or name in only:
                    began_at = time.monotonic()
                    measured.set(product)
                    await step(figures[product], pinned=True, plan=plan)
                    version = "present" if product is PRESENT else "base"
                    seconds = time.monotonic() - began_at
                    print(f"turn {turn + 1} of {turns}, {name}, {version}: {seconds:.1f} s", file=sys.stderr)
    return figures[base], figures[PRESENT]


def main() -> None:
    """Prints a line per measure. The exit code is 1 when a measure is worse."""
    parser = argparse.ArgumentParser(prog="python -m bench.against", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--quick", action="store_true", help="shorter turns")
    parser.add_argument("--only", nargs="*", default=[], choices=MEASURES)
    wanted = parser.parse_args()
    base = installed(wanted.commit)
    plan = SHORT if wanted.quick else LONG
    figures = uvloop.run(measure(base, turns=TURNS, plan=plan, only=wanted.only))
    comparisons = list(compared(*figures))
    print(HEAD)
    for comparison in comparisons:
        print(comparison.line())
    sys.exit(not all(comparison.within for comparison in comparisons))


if __name__ == "__main__":
    main()
