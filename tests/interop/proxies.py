"""nginx and HAProxy with the configuration of the how-to page, in front of a server."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .languages import ROOT

PAGE = ROOT / "docs" / "how-to" / "behind-a-proxy.md"
START_SECONDS = 15.0
SYSTEM_FOLDERS = ":/usr/sbin:/sbin"
"""Where Debian has servers; the PATH of a user does not name them."""
STORE_PASSWORD = "changeit"
SIGN = "-CA authority.pem -CAkey authority.key -CAcreateserial -extfile names.txt"
CERTIFICATE_COMMANDS = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out authority.pem",
    "openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem",
    f"openssl x509 -req -days 2 -in request.pem -out certificate.pem {SIGN}",
    f"keytool -importcert -noprompt -alias a -file authority.pem -keystore authority.p12 -storepass {STORE_PASSWORD}",
)


@dataclass(frozen=True)
class Proxy:
    """A running proxy. `host` is `127.0.0.1:port`; it speaks TLS."""

    host: str
    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate authority that clients must trust."""
        return self.folder / "authority.pem"

    @property
    def java_options(self) -> str:
        """Options that make a Java process trust the authority."""
        store = f"-Djavax.net.ssl.trustStore={self.folder}/authority.p12"
        return f"{store} -Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"


def make_certificates(folder: Path) -> None:
    """A certificate authority, a certificate for 127.0.0.1 and localhost, and a trust store for Java."""
    (folder / "names.txt").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    for command in CERTIFICATE_COMMANDS:
        if shutil.which(command.split()[0]):
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = (folder / "certificate.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "certificate-and-key.pem").write_text(both)


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[Proxy]:
    """nginx in front of `upstream` (`host:port`)."""
    port = _free_port()
    block = _configuration("nginx", folder, upstream).replace("listen 443", f"listen 127.0.0.1:{port}")
    block = block.replace("/var/log/nginx/", f"{folder}/")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    head = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{head}http {{\n{paths}{block}}}\n")
    with _running(["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], port):
        yield Proxy(f"127.0.0.1:{port}", folder)


@contextmanager
def haproxy(folder: Path, upstream: str) -> Iterator[Proxy]:
    """HAProxy in front of `upstream` (`host:port`)."""
    port = _free_port()
    block = _configuration("haproxy", folder, upstream).replace("bind :443", f"bind 127.0.0.1:{port}")
    (folder / "haproxy.cfg").write_text(block)
    with _running(["haproxy", "-f", f"{folder}/haproxy.cfg"], port):
        yield Proxy(f"127.0.0.1:{port}", folder)


def _configuration(language: str, folder: Path, upstream: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PAGE.name} has no {language} block"
    return found.group(1).replace("127.0.0.1:8000", upstream).replace("/etc/ssl/rpa/", f"{folder}/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    program = shutil.which(command[0], path=os.environ.get("PATH", os.defpath) + SYSTEM_FOLDERS)
    assert program, f"{command[0]} is needed: apt-get install nginx-light haproxy"
    process = subprocess.Popen([program, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise AssertionError(f"{command[0]} did not start: {process.communicate()[0]}") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)
