"""The jobs that a robot holds, and the assignments that it has received: a `(job_id, attempt)` starts once."""

from collections import OrderedDict

from casare_rpa.domain.protocol import ActiveJob, JobAssign

MAX_REMEMBERED = 10_000
Key = tuple[str, int | None]


class _RecentKeys:
    """A set of the most recently added keys."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def add(self, key: Key) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)
        while len(self._keys) > self._capacity:
            self._keys.popitem(last=False)

    def discard(self, key: Key) -> None:
        self._keys.pop(key, None)


class JobLedger:
    """A job is held from before its `claimed` until its end is answered. It uses a slot until its end is queued."""

    def __init__(self, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._max_remembered = max_remembered
        self._attempts: dict[str, int | None] = {}
        self._ending: set[str] = set()
        self._assigned = _RecentKeys(max_remembered)
        self._finished = _RecentKeys(max_remembered)
        self._last_attempts: OrderedDict[str, int | None] = OrderedDict()

    @property
    def slots_in_use(self) -> int:
        """Number of held jobs whose end is not queued."""
        return len(self._attempts) - len(self._ending)

    def active_jobs(self) -> list[ActiveJob]:
        """Held jobs as `hello` and heartbeats list them. Jobs of a 1.0 server, without an attempt, are omitted."""
        return [
            ActiveJob(job_id=job_id, attempt=attempt)
            for job_id, attempt in self._attempts.items()
            if attempt is not None
        ]

    def record_assignment(self, assign: JobAssign) -> bool:
        """Record an assignment. Returns False for a repeat.

        Without an attempt (contract 1.0) the same job counts as new after its end.
        """
        key = (assign.job_id, assign.attempt)
        if key in self._assigned:
            return False
        self._assigned.add(key)
        self._finished.discard(key)
        self._last_attempts[assign.job_id] = assign.attempt
        self._last_attempts.move_to_end(assign.job_id)
        while len(self._last_attempts) > self._max_remembered:
            self._last_attempts.popitem(last=False)
        return True

    def attempt_of(self, job_id: str) -> int | None:
        """The attempt that a report without one belongs to: the held one, else the last assigned one."""
        return self._attempts.get(job_id) or self._last_attempts.get(job_id)

    def holds(self, job_id: str, attempt: int | None) -> bool:
        """Whether this attempt is held and its end is not queued."""
        return job_id in self._attempts and self._attempts[job_id] == attempt and job_id not in self._ending

    def is_finished(self, job_id: str, attempt: int | None) -> bool:
        """Whether this attempt was refused, or its end was queued. No further report on it is sent."""
        return (job_id, attempt) in self._finished

    def hold(self, job_id: str, attempt: int | None) -> None:
        """Hold an attempt and use a slot for it."""
        self._attempts[job_id] = attempt
        self._ending.discard(job_id)

    def mark_ended(self, job_id: str, attempt: int | None) -> None:
        """Free the slot of an attempt whose end is queued. The job stays held until `release`."""
        self._attempts[job_id] = attempt
        self._ending.add(job_id)
        self._finished.add((job_id, attempt))

    def mark_refused(self, job_id: str, attempt: int | None) -> None:
        """Release an attempt that the orchestrator did not give to this robot."""
        self.release(job_id, attempt)
        self._finished.add((job_id, attempt))

    def release(self, job_id: str, attempt: int | None) -> None:
        """Stop holding an attempt. A newer attempt of the job stays held. Idempotent."""
        if job_id in self._attempts and self._attempts[job_id] == attempt:
            del self._attempts[job_id]
            self._ending.discard(job_id)
        if attempt is None:
            self._assigned.discard((job_id, None))
