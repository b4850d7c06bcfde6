"""The Python sample of the contract runs as written, except for its id, key and address."""

import re
import sys
import textwrap
from asyncio import create_subprocess_exec, subprocess, timeout
from pathlib import Path

import pytest

from contract.documents import DOCUMENTS
from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import stranger


def sample_of(document: Path, server: Server, account: Account) -> str:
    """The sample as a program; it waits for its standard input to close before it ends."""
    (code,) = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    for name, value in {
        "robot_id": account.robot_id,
        "api_key": account.api_key,
        "orchestrator_url": server.url.replace("http", "ws", 1),
    }.items():
        code, count = re.subn(rf"\b{name}=[^,\n]+", f"{name}={value!r}", code)
        assert count == 1, name
    body = textwrap.indent(code + "\nawait asyncio.to_thread(sys.stdin.read)\n", "    ")
    return f"import asyncio, sys\n\nasync def main():\n{body}\nasyncio.run(main())\n"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
async def test_python_sample_connects_and_sends_heartbeats(document: Path, server: Server, account: Account) -> None:
    async with stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin:
        await admin.send("subscribe", {"channels": ["robots"]})
        program = await create_subprocess_exec(
            sys.executable, "-c", sample_of(document, server, account), stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            shown = await admin.next(
                "robot_status",
                lambda f: f["robot_id"] == account.robot_id and f["last_heartbeat_at"] is not None,
                within_seconds=20,
            )
            assert shown["status"] == "idle"
            assert shown["memory_mb"] > 0
        finally:
            async with timeout(20):
                _, complaints = await program.communicate(b"")
        assert program.returncode == 0, complaints.decode()
