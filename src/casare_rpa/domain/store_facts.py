"""What a store says about itself: its kind and schema."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreKind:
    """The kind of a store, such as `sqlite`, and the newest revision of its schema that this program knows."""

    name: str
    schema: str
