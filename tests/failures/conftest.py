"""What several rows of the table of failures need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from failures.outage import Outage, two_instances


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Outage]:
    """Two instances, whose store the test takes away."""
    async with two_instances(tmp_path) as outage:
        yield outage
