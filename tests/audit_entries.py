"""An audit entry for writes of which a test looks at something else."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant

AN_ENTRY = NewAudit(Instant(0), "test", "prepare", "test")
