"""Audit entries: the principal, the action, its object, its time and its reason."""

import msgspec

from casare_rpa.domain.instants import Instant


class NewAudit(msgspec.Struct, frozen=True, gc=False):
    """An audit entry, written in the transaction of the act that it records.

    The store writes it only when the act changed something, so acts and entries correspond one to one. `note` is the
    reason, or the name of the created object; it never contains a secret.
    """

    at: Instant
    by: str
    action: str
    target: str
    note: str = ""
    ordered: int | None = None
    """Number of objects in a bulk command; `None` for a command about one object."""

    def note_of(self, done: int) -> str:
        """The stored note. The note of a bulk command begins with the number of objects that it changed.

        >>> NewAudit(Instant(0), "ana", "cancel_jobs", "jobs", "month end", ordered=3).note_of(2)
        '2 of 3 jobs: month end'
        """
        if self.ordered is None:
            return self.note
        counted = f"{done} of {self.ordered} jobs"
        return f"{counted}: {self.note}" if self.note else counted


class AuditEntry(msgspec.Struct, frozen=True, gc=False):
    """A stored audit entry. `audit_id` grows in the order of commits."""

    audit_id: int
    at: Instant
    by: str
    action: str
    target: str
    note: str
