"""CPU and memory of the machine."""

import psutil
import pytest

from casare_rpa.infrastructure.orchestrator.communication.robot import system_stats


def test_sample_is_that_of_this_machine() -> None:
    cpu_percent, memory_mb = system_stats.sample()
    assert 0 <= cpu_percent <= 100
    assert 0 < memory_mb < psutil.virtual_memory().total / system_stats.BYTES_PER_MB


def test_sample_is_zero_when_nothing_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "virtual_memory", unreadable)
    assert system_stats.sample() == (0.0, 0.0)
