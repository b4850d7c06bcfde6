"""The version of the product that is measured: this one, or another that `bench/against.py` has installed."""

import sys
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """A source tree, and a Python in which that tree is installed."""

    tree: Path
    python: Path


PRESENT = Product(Path(__file__).resolve().parent.parent, Path(sys.executable))
measured: ContextVar[Product] = ContextVar("measured", default=PRESENT)
"""Servers are started from this version, and databases are created by it. The load generator is always of PRESENT."""
