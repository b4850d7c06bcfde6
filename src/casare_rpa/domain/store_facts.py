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
