"""The whole store port, which each backend implements."""

from typing import Protocol

from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.failures import FailureStore
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader, JobWriter
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.ports.presets import PresetStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore
from casare_rpa.infrastructure.orchestrator.ports.steps import StepStore


class Store(
    JobWriter,
    JobReader,
    RobotStore,
    InstanceStore,
    LogStore,
    StepStore,
    AdminStore,
    LoginStore,
    StatisticsStore,
    FailureStore,
    PresetStore,
    MaintenanceStore,
    Protocol,
):
    """The only arbiter of which robot owns a job.

    Only the composition root, the conformance tests and a backend need all of it.
    """
