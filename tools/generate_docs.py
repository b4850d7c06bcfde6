"""Writes the parts of the documentation that are made from code, between their markers.

A part stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->` in any page under docs/.
Without arguments the pages are rewritten; `--check` changes nothing and exits 1 when one of them is out of date.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from casare_rpa.domain.job import Phase
from casare_rpa.domain.job_errors import ERROR_CODES, ERROR_TYPES, ErrorRule, ErrorType, FailureCode
from casare_rpa.domain.job_table import TRANSITIONS, TransitionRule
from casare_rpa.domain.limits import ADMIN_LIMIT, MONITORING_LIMIT, ROBOT_LIMIT
from casare_rpa.domain.vocabulary import CLOSE_CODES

ROOT = Path(__file__).resolve().parent.parent
STALE = "generated parts are out of date; run .venv/bin/python tools/generate_docs.py"
_PART = re.compile(
    r"(?P<open><!-- generated:(?P<name>[a-z-]+) -->\n).*?(?P<close><!-- /generated:(?P=name) -->)", re.DOTALL
)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; vertical bars inside cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def rate_limits() -> str:
    """The contract's table of rates, with the setting that changes each."""
    limits = [
        ("robot", ROBOT_LIMIT, "CASARE_RATE_LIMIT_ROBOT"),
        ("admin, logs", ADMIN_LIMIT, "CASARE_RATE_LIMIT_ADMIN"),
        ("monitoring", MONITORING_LIMIT, "CASARE_RATE_LIMIT_MONITORING"),
    ]
    rows = [(who, f"{limit.per_second:g}", f"{limit.burst:g}", f"`{name}`") for who, limit, name in limits]
    return table(("Connection", "Messages a second", "Burst", "Setting"), rows)


def close_codes() -> str:
    """Every close code of the server, and what a client does then."""
    rows = [(str(int(code)), meaning, reconnect.value) for code, (reconnect, meaning) in CLOSE_CODES.items()]
    return table(("Code", "Meaning", "Reconnect"), rows)


def job_errors(column: str, rules: Mapping[ErrorType, ErrorRule] | Mapping[FailureCode, ErrorRule]) -> str:
    """The types or codes of a job's error, and whether another attempt may follow."""
    rows = [(f"`{name}`", rule.meaning, "yes" if rule.retried else "no") for name, rule in rules.items()]
    return table((column, "Means", "Retried"), rows)


def targets_of(row: TransitionRule, source: Phase) -> tuple[Phase, ...]:
    """The targets of a row from one of its sources; a row that may keep the phase leads only back to that source."""
    return tuple(target for target in row.targets if target is source or target not in row.sources)


def job_diagram() -> str:
    """The transition table as a Mermaid state diagram; rows that change no state are left to the table."""
    edges: dict[tuple[Phase, Phase], list[str]] = {}
    for row in TRANSITIONS:
        for source in row.sources:
            for target in targets_of(row, source):
                if target is not source:
                    edges.setdefault((source, target), []).append(f"{row.event} {row.number}")
    order = list(Phase)
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> pending: submit T1"]
    for (source, target), labels in sorted(edges.items(), key=lambda edge: [order.index(phase) for phase in edge[0]]):
        lines.append(f"    {source.value} --> {target.value}: {', '.join(labels)}")
    lines += ["    completed --> [*]", "    failed --> [*]"]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def job_transitions() -> str:
    """The transition table as text; rows that differ only in their event are merged."""
    merged: dict[tuple[str, str, str, str], list[str]] = {}
    for row in TRANSITIONS:
        everywhere = set(row.sources) == set(Phase)
        sources = "any" if everywhere else ", ".join(phase.value for phase in row.sources)
        leaves = sorted(
            {t for source in row.sources for t in targets_of(row, source) if t is not source}, key=list(Phase).index
        )
        stays = any(source in targets_of(row, source) for source in row.sources) or not row.targets
        targets = ", ".join([*(["the same"] if stays else []), *(phase.value for phase in leaves)])
        merged.setdefault((row.number, sources, targets, row.meaning), []).append(row.event)
    submit = ("T1", "–", "`submit`", "pending", "accepted; answered once it is durable")
    rows = [(n, s, ", ".join(f"`{e}`" for e in events), t, m) for (n, s, t, m), events in merged.items()]
    return table(("#", "From", "Event", "To", "Meaning"), [submit, *rows])


def layers() -> str:
    """The layers of import-linter, highest first; the modules of one line do not import each other."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (listed,) = (contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    names = [re.sub(r"casare_rpa\.(infrastructure\.orchestrator\.)?", "", layer) for layer in listed]
    return "```text\n" + "\n".join(names) + "\n```\n"


PARTS: dict[str, Callable[[], str]] = {
    "rate-limits": rate_limits,
    "close-codes": close_codes,
    "job-error-types": lambda: job_errors("Type", ERROR_TYPES),
    "job-error-codes": lambda: job_errors("Code", ERROR_CODES),
    "job-diagram": job_diagram,
    "job-transitions": job_transitions,
    "layers": layers,
}


def regenerate(text: str) -> str:
    """The page with its generated parts renewed.

    Raises:
        KeyError: a marker has an unknown name.
    """
    return _PART.sub(lambda part: part["open"] + "\n" + PARTS[part["name"]]() + "\n" + part["close"], text)


def stale_pages(root: Path) -> dict[Path, str]:
    """Pages below docs/ that are out of date, with their current text."""
    pages = {page: page.read_text(encoding="utf-8") for page in sorted((root / "docs").rglob("*.md"))}
    fresh = {page: regenerate(text) for page, text in pages.items()}
    return {page: fresh[page] for page, text in pages.items() if fresh[page] != text}


def main(arguments: Sequence[str]) -> int:
    """Rewrite the pages, or with `--check` print the stale ones; returns the exit code."""
    stale = stale_pages(ROOT)
    for page, text in stale.items():
        if "--check" in arguments:
            print(f"{page.relative_to(ROOT)}: {STALE}")
        else:
            page.write_text(text, encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: rewritten")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
