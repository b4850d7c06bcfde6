"""A handshake that waited while the server stood still, and whose client has given up, replaces no connection."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract.server_process import WIRES, serving
from contract.stranger import stranger
from contract.test_robot_life import robot_address

WITHIN_SECONDS = 20.0


def handshake(address: str) -> bytes:
    url = urlsplit(address)
    return (
        f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not holds():
            await asyncio.sleep(0.02)  # another process has no event


@pytest.mark.slow
@pytest.mark.parametrize("wire", WIRES)
async def test_late_handshake_does_not_replace_the_connection_of_the_robot(tmp_path: Path, wire: str) -> None:
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_LOG_LEVEL="DEBUG") as server:
        account = server.robot()
        address = robot_address(server, account)
        url = urlsplit(address)
        async with stranger(address) as robot:
            await robot.next("connected")
            os.kill(server.process.pid, signal.SIGSTOP)
            try:
                with socket.create_connection((url.hostname, url.port)) as late:
                    late.sendall(handshake(address))
            finally:
                os.kill(server.process.pid, signal.SIGCONT)
            await until(
                lambda: (
                    "disconnected before the handshake was answered" in server.output
                    or robot.socket.close_code is not None
                )
            )
            await robot.send("heartbeat", {"robot_id": account.robot_id, "status": "idle"}, id="1")
            await robot.next("ack")
            assert server.get(f"/robots/{account.robot_id}")["status"] == "idle"
