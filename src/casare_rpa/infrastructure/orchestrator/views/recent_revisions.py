"""Which revisions of jobs viewers were shown last."""


class RecentRevisions:
    """The newest shown revision of each job that was shown in the last one to two turns; older ones are dropped.

    There are two generations: a shown job is stored in the young one, and a turn drops the old one. Memory is thus
    limited by the rate of changes, not by the number of open jobs.
    """

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def get(self, job_id: str) -> int:
        """The revision; -1 if the job was not shown."""
        return max(self._young.get(job_id, -1), self._old.get(job_id, -1))

    def note(self, job_id: str, revision: int) -> None:
        if revision > self._young.get(job_id, -1):
            self._young[job_id] = revision

    def turn(self) -> None:
        """Drop jobs that were not shown since the previous turn."""
        self._old, self._young = self._young, {}
