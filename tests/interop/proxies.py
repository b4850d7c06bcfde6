"""nginx and HAProxy with the configuration of the how-to page, in front of a server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
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
    log: Path
    """The log of its requests."""

    def reload(self) -> None:
        """Start new workers, as `nginx -s reload` does."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGHUP)

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
def nginx(folder: Path, *upstreams: str) -> Iterator[Proxy]:
    """nginx in front of one or two instances (`host:port`)."""
    port = _free_port()
    block = _configuration("nginx", folder, upstreams[0]).replace("listen 443", f"listen 127.0.0.1:{port}")
    if len(upstreams) > 1:
        block = re.sub(r"upstream casare \{.*?\n\}\n", _several(upstreams), block, flags=re.DOTALL)
    block = block.replace("/var/log/nginx/", f"{folder}/")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    head = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{head}http {{\n{paths}{block}}}\n")
    command = ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    with _running(command, port, folder / "nginx.out"):
        yield Proxy(f"127.0.0.1:{port}", folder, folder / "rpa.log")


@contextmanager
def haproxy(folder: Path, upstream: str) -> Iterator[Proxy]:
    """HAProxy in front of `upstream` (`host:port`)."""
    port = _free_port()
    block = _configuration("haproxy", folder, upstream).replace("bind :443", f"bind 127.0.0.1:{port}")
    (folder / "haproxy.cfg").write_text(f"global\n    log stdout format raw local0\n{block}")
    with _running(["haproxy", "-f", f"{folder}/haproxy.cfg"], port, folder / "haproxy.log"):
        yield Proxy(f"127.0.0.1:{port}", folder, folder / "haproxy.log")


def _configuration(language: str, folder: Path, upstream: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PAGE.name} has no {language} block"
    return found.group(1).replace("127.0.0.1:8000", upstream).replace("/etc/ssl/rpa/", f"{folder}/")


def _several(upstreams: Sequence[str]) -> str:
    """The upstream block of the page for several instances."""
    found = re.search(r"```nginx\n(upstream casare \{.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PAGE.name} has no upstream block for several instances"
    block = found.group(1)
    for number, upstream in enumerate(upstreams, 11):
        block = block.replace(f"10.0.0.{number}:8000", upstream)
    return block


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, output: Path) -> Iterator[None]:
    program = shutil.which(command[0], path=os.environ.get("PATH", os.defpath) + SYSTEM_FOLDERS)
    assert program, f"{command[0]} is needed: apt-get install nginx-light haproxy"
    with output.open("ab") as file:
        process = subprocess.Popen([program, *command[1:]], stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise AssertionError(f"{command[0]} did not start: {output.read_text()}") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)
