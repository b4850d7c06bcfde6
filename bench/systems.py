"""What each compared system records and guarantees, and the tables that show it beside the figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.figures import Figure, Figures, human


@dataclass(frozen=True)
class System:
    """The records that a system keeps, and its guarantees for the loss of a worker or receiver."""

    records: str
    guarantees: str


OURS = System(
    "the job and 5 history rows, each in the store before the next message",
    "lease of 90 s, renewed by the robot; one attempt at a time by a fence; the end is acknowledged; robots on other "
    "machines with keys of their own; 20 dashboards watch",
)
QUEUES = {
    "casare": OURS,
    "casare, PostgreSQL": OURS,
    "pgqueuer": System(
        "3 log rows, for queued, picked and ended; the job is deleted",
        "heartbeat; a job without one for 30 s is run again",
    ),
    "graphile-worker": System(
        "nothing; the job is deleted", "a job of a lost worker is locked for 4 h, then run again; retries with backoff"
    ),
    "BullMQ": System(
        "a hash with the times of submit, start and end",
        "lock of 30 s, renewed by the worker; then the job is run again",
    ),
    "pg-boss": System(
        "the job with the times of submit, start and end, for 7 days",
        "a job that is active for 15 minutes is run again, at most twice",
    ),
    "oban": System(
        "the job with the times of submit, start and end, for a day",
        "a job of a lost worker is run again after 5 minutes",
    ),
    "procrastinate": System(
        "the job and 3 event rows",
        "heartbeat of the worker; jobs of a lost one are run again only by a task that the user writes",
    ),
}


def comparison(figures: Figures, begins: str, systems: Mapping[str, System], *, pinned: bool) -> str:
    """A table in Markdown of the systems with such figures, with the records and guarantees of each.

    A figure is the median of its turns, with the smallest and the largest. Empty if fewer than two systems have any.
    """
    found = [one for one in figures.all() if one.pinned is pinned and one.name.startswith(begins)]
    present = [name for name in systems if any(one.server == name for one in found)]
    if len(present) < 2:
        return ""
    names = list(dict.fromkeys(one.name for one in found if one.server != "casare"))
    head = ["system", *names, "records", "guarantees"]
    rows = [
        [
            name,
            *(_shown(figures.get(measure, server=name, pinned=pinned)) for measure in names),
            systems[name].records,
            systems[name].guarantees,
        ]
        for name in present
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    shown = f"{human(figure.median)} {figure.unit}"
    return f"{shown} ({human(min(figure.runs))} to {human(max(figure.runs))})" if len(figure.runs) > 1 else shown
