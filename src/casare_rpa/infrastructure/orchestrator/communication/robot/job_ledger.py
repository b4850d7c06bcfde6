"""Which jobs this robot holds, and which assignments it has seen: a `(job_id, attempt)` is started once."""

from collections import OrderedDict

from casare_rpa.domain.protocol import ActiveJob, JobAssign

MEMORY = 10_000
Key = tuple[str, int | None]


class _Recent:
    """The last so many keys."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def add(self, key: Key) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)
        while len(self._keys) > MEMORY:
            self._keys.popitem(last=False)

    def discard(self, key: Key) -> None:
        self._keys.pop(key, None)


class HeldJobs:
    """A job is held from before its `claimed` until its end was answered; in use until its end is on its way."""

    def __init__(self) -> None:
        self._attempts: dict[str, int | None] = {}
        self._ending: set[str] = set()
        self._seen = _Recent()
        self._over = _Recent()
        self._last_attempts: OrderedDict[str, int | None] = OrderedDict()

    @property
    def in_use(self) -> int:
        """How many slots are taken."""
        return len(self._attempts) - len(self._ending)

    def active_jobs(self) -> list[ActiveJob]:
        """All held jobs, as `hello` and heartbeats list them."""
        return [
            ActiveJob(job_id=job_id, attempt=attempt)
            for job_id, attempt in self._attempts.items()
            if attempt is not None
        ]

    def first_time(self, assign: JobAssign) -> bool:
        """Whether this assignment was never seen before. Without an attempt (1.0) a job counts anew after its end."""
        key = (assign.job_id, assign.attempt)
        if key in self._seen:
            return False
        self._seen.add(key)
        self._over.discard(key)
        self._last_attempts[assign.job_id] = assign.attempt
        self._last_attempts.move_to_end(assign.job_id)
        while len(self._last_attempts) > MEMORY:
            self._last_attempts.popitem(last=False)
        return True

    def attempt_of(self, job_id: str) -> int | None:
        """The attempt that a report on this job is about."""
        return self._attempts.get(job_id) or self._last_attempts.get(job_id)

    def holds(self, job_id: str, attempt: int | None) -> bool:
        """Whether this attempt is held and not ending."""
        return job_id in self._attempts and self._attempts[job_id] == attempt and job_id not in self._ending

    def is_over(self, job_id: str, attempt: int | None) -> bool:
        """Whether this attempt was refused, or has its end on its way or answered: there is no more to say of it."""
        return (job_id, attempt) in self._over

    def start(self, job_id: str, attempt: int | None) -> None:
        """The job takes a slot."""
        self._attempts[job_id] = attempt
        self._ending.discard(job_id)

    def end(self, job_id: str, attempt: int | None) -> None:
        """The job's end is on its way: the slot is free, the job is still held."""
        self._attempts[job_id] = attempt
        self._ending.add(job_id)
        self._over.add((job_id, attempt))

    def refuse(self, job_id: str, attempt: int | None) -> None:
        """The job was not given to us: nothing is to be said of this attempt."""
        self.release(job_id, attempt)
        self._over.add((job_id, attempt))

    def release(self, job_id: str, attempt: int | None) -> None:
        """The job is no longer ours. A newer attempt of it is left alone."""
        if job_id in self._attempts and self._attempts[job_id] == attempt:
            del self._attempts[job_id]
            self._ending.discard(job_id)
        if attempt is None:
            self._seen.discard((job_id, None))
