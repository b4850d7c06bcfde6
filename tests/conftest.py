"""What all tests share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what the project runs on."""
    return "asyncio"
