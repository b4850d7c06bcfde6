"""What a store says about itself: its kind, schema and size."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreKind:
    """The kind of a store, such as `sqlite`, and the newest revision of its schema that this program knows."""

    name: str
    schema: str


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its indexes, in bytes on the disk."""

    name: str
    rows: int
    bytes: int
    rows_estimated: bool = False
    bytes_estimated: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """All tables. `free_bytes` are a part of `total_bytes` that new rows use first, as far as the store knows."""

    tables: tuple[TableSize, ...]
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """The oldest transaction, or the oldest reader of old rows, of a database server.

    While it is open, the server cannot remove dead rows.
    """

    owner: str
    """The name of its application, of its replication slot, or of its prepared transaction."""
    seconds: float | None
    """Since when it is open; `None` if the server does not know."""
    transactions: int
    """How many transactions have begun since."""


@dataclass(frozen=True, slots=True)
class DatabaseServerFacts:
    """What a database server says about itself and its settings."""

    version: str
    major: int
    max_connections: int
    """Without the ones that are reserved for administrators."""
    open_connections: int
    fsync: bool
    full_page_writes: bool
    autovacuum: bool
    synchronous_commit: str
    synchronous_standbys: str
    """The setting that names the standbys for which a commit waits; empty without one."""
    standbys: tuple[tuple[str, str], ...]
    """The name and the state of each connected standby. The state is `sync`, `quorum`, `potential` or `async`."""
    oldest: OpenTransaction | None
    seconds_ahead: float
    """How far the clock of the server is ahead of that of this machine."""
