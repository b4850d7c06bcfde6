"""An audit entry for writes in tests that do not check it."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant

AN_ENTRY = NewAudit(Instant(0), "test", "prepare", "test")
