"""Shared fixtures, and the check of the `slow` mark."""

import os
from collections.abc import Generator

import pytest

UNMARKED_CPU_SECONDS = 8.0
"""Processor time of a test that is not marked `slow`, with its child processes that have ended.

`slow` stands for one second on an idle machine. The large factor is for coverage and for busy neighbours, which slow
even processor time down. Waits are not counted.
"""


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of the project."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fails a test that should be marked `slow`."""
    before = _cpu_seconds()
    yield
    used = _cpu_seconds() - before
    if used > UNMARKED_CPU_SECONDS and not item.get_closest_marker("slow"):
        pytest.fail(f"took {used:.1f} s of processor time: mark it `slow`, or shorten it", pytrace=False)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
