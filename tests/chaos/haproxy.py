"""HAProxy with the configuration of deploy/, in front of the instances of a run."""

import asyncio
import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg"
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/bin"


def configuration(port: int, instances: Sequence[int], name: str = "instance") -> str:
    """The file of deploy/ with these ports of this machine, and without TLS. `name` begins the names of the servers."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    text = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{port}", text)
    text = text.replace("X-Forwarded-Proto https", "X-Forwarded-Proto http")
    text = re.sub(r"\n    server \w+ .*", "", text)
    servers = [f"    server {name}{number} 127.0.0.1:{one}" for number, one in enumerate(instances, 1)]
    return "\n".join([text.rstrip(), *servers, ""])


class Balancer:
    """A running HAProxy, with a master process as the unit of systemd starts it."""

    def __init__(self, folder: Path, port: int, instances: Sequence[int]) -> None:
        self.port = port
        self._file = folder / "haproxy.cfg"
        self._file.write_text(configuration(port, instances))
        self._log = folder / "logs" / "haproxy.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = shutil.which("haproxy", path=SYSTEM_FOLDERS)
        assert program, "HAProxy is needed: apt-get install haproxy"
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-W", "-f", self._file, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        """All log lines so far."""
        return self._log.read_text(encoding="utf-8")

    def reload(self, instances: Sequence[int], name: str = "instance") -> None:
        """Use these instances, as `systemctl reload haproxy` does. Returns before HAProxy has done it."""
        assert self._process is not None
        self._file.write_text(configuration(self.port, instances, name))
        self._process.send_signal(signal.SIGUSR2)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()  # the master ends its processes
            await self._process.wait()
