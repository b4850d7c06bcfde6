"""OrchestratorWebSocketClient: a robot's side of the WebSocket contract.

    client = OrchestratorWebSocketClient(
        robot_id="robot-123",
        api_key="crpa_abc123...",
        orchestrator_url="ws://localhost:8000",
    )
    await client.connect()
    await client.send_heartbeat()

Source: contract, Client Libraries and Connection Lifecycle; protocol, sections 1 and 2.
"""

import asyncio
import logging
import random
import uuid
import weakref
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from msgspec import UNSET

from casare_rpa import __version__
from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ConnectionLost, ProtocolError
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.logs import parse_level
from casare_rpa.domain.protocol import (
    CloseCode,
    Connected,
    ErrorCode,
    Feature,
    JobAssign,
    JobCancel,
    JobError,
    JobReport,
    Reconnect,
    ReportStatus,
    RobotCommand,
    RobotStatus,
)
from casare_rpa.infrastructure.orchestrator.communication import reports, vitals
from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address
from casare_rpa.infrastructure.orchestrator.communication.callbacks import Callbacks
from casare_rpa.infrastructure.orchestrator.communication.exchange import Exchange
from casare_rpa.infrastructure.orchestrator.communication.held_jobs import HeldJobs
from casare_rpa.infrastructure.orchestrator.communication.inbox import Inbox
from casare_rpa.infrastructure.orchestrator.communication.link import Link
from casare_rpa.infrastructure.orchestrator.communication.opening import open_link
from casare_rpa.infrastructure.orchestrator.communication.secret import Secret
from casare_rpa.infrastructure.orchestrator.communication.unanswered import Kept, Kind
