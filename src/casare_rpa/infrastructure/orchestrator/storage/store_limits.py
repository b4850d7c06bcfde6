"""Limits of single calls of a store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreLimits:
    """The largest number of rows that one call reads or writes, for every backend."""

    offers: int = 500
    """Offers of one claim."""
    scanned_lines: int = 20_000
    """Log lines that one search reads. The page says how far the search came."""
    counted_jobs: int = 10_000
    """A count of jobs stops there and is `capped`."""
    statistics_jobs: int = 10_000
    """Jobs of one grouping of failures (the newest), and pending jobs of one sample (the oldest)."""
