"""What each compared system records and guarantees, and the tables that show it beside the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.figures import Figure, Figures, human


@dataclass(frozen=True)
class System:
    """The records that a system keeps, and its guarantees for the loss of a worker or receiver."""

    records: str
    guarantees: str


OURS = System(
    "the job and 5 history rows, each in the store before the next message or the answer",
    "lease of 90 s, renewed by the robot; one attempt at a time by a fence; the end is acknowledged; robots on other "
    "machines with keys of their own",
)
QUEUES = {
    "casare": OURS,
    "casare, 20 dashboards": replace(OURS, guarantees=f"{OURS.guarantees}; each dashboard gets each change once"),
    "casare, one real robot": replace(
        OURS, records=f"{OURS.records}; the start and the end in the journal of the robot"
    ),
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
AT_MOST_ONCE = "a viewer that was away has missed the messages"
FAN_OUT = {
    "casare": System(
        "each log line is in the store before it is sent",
        "missed lines are in the store; a viewer is authenticated and sees its tenant; a slow one delays no other",
    ),
    "uWebSockets": System("nothing", AT_MOST_ONCE),
    "nats-server": System("nothing", f"{AT_MOST_ONCE}; a slow one is disconnected"),
    "bare picows": System("nothing", AT_MOST_ONCE),
    "ws": System("nothing", AT_MOST_ONCE),
    "Mosquitto": System("nothing", f"{AT_MOST_ONCE}, with QoS 0"),
    "bare FastAPI": System("nothing", AT_MOST_ONCE),
}


def comparison(figures: Figures, columns: Mapping[str, str], systems: Mapping[str, System], *, pinned: bool) -> str:
    """A table in Markdown of the systems with such figures, with the records and guarantees of each.

    `columns` has the heading of each figure. A figure is the median of its turns, with the smallest and the largest.
    Empty if fewer than two systems have any.
    """
    cells = {name: [figures.get(figure, server=name, pinned=pinned) for figure in columns] for name in systems}
    rows = [
        [name, *map(_shown, cells[name]), system.records, system.guarantees]
        for name, system in systems.items()
        if any(cells[name])
    ]
    if len(rows) < 2:
        return ""
    head = ["system", *columns.values(), "records", "guarantees"]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    shown = f"{human(figure.median)} {figure.unit}"
    return f"{shown} ({human(min(figure.runs))} to {human(max(figure.runs))})" if len(figure.runs) > 1 else shown
