"""How running jobs stand: only the newest word of each counts, and it is repeated on a new connection."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.protocol import JobReport
from casare_rpa.infrastructure.orchestrator.communication.robot import messages

MIN_INTERVAL_SECONDS = 0.2
"""Between two reports on one job: viewers are told at most twice a second."""


@dataclass(slots=True, eq=False)
class _Word:
    report: JobReport
    unsent: bool = True
    answers_to: int | None = None
    """The id under which it was sent last, while there is no answer: the next one waits for it."""
    not_before: float = 0.0


class ProgressReports:
    """`running` and progress of each job; best effort, never in the way of what must arrive."""

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._ids = ids if ids is not None else count(1)
        self._words: dict[str, _Word] = {}
        self._by_id: dict[int, str] = {}

    def tell(self, report: JobReport) -> None:
        """Take a report; what it leaves out stands as it was last said."""
        word = self._words.get(report.job_id)
        if word is None or word.report.attempt != report.attempt:
            self._words[report.job_id] = _Word(report)
            return
        old = word.report
        word.report = msgspec.structs.replace(
            report,
            progress=report.progress if report.progress is not None else old.progress,
            message=report.message if report.message is not None else old.message,
        )
        word.unsent = True

    def forget(self, job_id: str) -> None:
        """The job ended, or is no longer ours."""
        word = self._words.pop(job_id, None)
        if word is not None and word.answers_to is not None:
            self._by_id.pop(word.answers_to, None)

    def due_at(self) -> float | None:
        """From when on (monotonic) there is a report to send."""
        return min((word.not_before for word in self._words.values() if _ready(word)), default=None)

    def take(self, now: float, limit_bytes: int = sys.maxsize) -> bytes | None:
        """The frame of a report that may be sent now; its message is cut when it is over the limit."""
        for job_id, word in self._words.items():
            if _ready(word) and word.not_before <= now:
                message_id = next(self._ids)
                word.unsent, word.answers_to = False, message_id
                word.not_before = now + MIN_INTERVAL_SECONDS
                self._by_id[message_id] = job_id
                frame = codec.encode(word.report, message_id)
                return frame if len(frame) <= limit_bytes else codec.encode(messages.shortened(word.report), message_id)
        return None

    def answered(self, message_id: object) -> str | None:
        """An answer came; the job that it is about, or `None` when it was not to one of these."""
        job_id = self._by_id.pop(message_id, None) if isinstance(message_id, int) else None
        if job_id is not None:
            self._words[job_id].answers_to = None
        return job_id

    def again(self, job_id: str, not_before: float) -> None:
        """The orchestrator could not take it now: say the newest again then."""
        word = self._words.get(job_id)
        if word is not None:
            word.unsent, word.not_before = True, not_before

    def reconnected(self) -> None:
        """A new connection: the last word on each job is said again."""
        self._by_id.clear()
        for word in self._words.values():
            word.unsent, word.answers_to, word.not_before = True, None, 0.0


def _ready(word: _Word) -> bool:
    return word.unsent and word.answers_to is None
