"""The limit of open files of this process, which is also the limit of its connections."""

import logging
from dataclasses import dataclass

logger = logging.getLogger(__name__)

OWN_FILES = 64
"""Files that the process needs beside its connections: database, listeners, pipes."""
UNAUTHENTICATED_SHARE = 0.25
"""The part of the other files that connections without a credential may use."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open at the same time."""

    websockets: int
    unauthenticated: int
    unauthenticated_per_address: int


def raise_open_file_limit() -> int | None:
    """Raise the soft limit to the hard limit; returns it, or None where there is none."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # macOS refuses an infinite soft limit
            logger.info("the limit of open files stays %d: %s", soft, error)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def within_open_files(wanted: ConnectionLimits, open_files: int | None) -> ConnectionLimits:
    """The wanted limits, or lower ones that `open_files` suffice for."""
    if open_files is None or open_files >= OWN_FILES + wanted.websockets + wanted.unauthenticated:
        return wanted
    available = max(8, open_files - OWN_FILES)
    unauthenticated = min(wanted.unauthenticated, max(4, int(available * UNAUTHENTICATED_SHARE)))
    return ConnectionLimits(
        websockets=min(wanted.websockets, available - unauthenticated),
        unauthenticated=unauthenticated,
        unauthenticated_per_address=min(wanted.unauthenticated_per_address, unauthenticated),
    )
