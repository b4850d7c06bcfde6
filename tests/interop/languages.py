"""The sample robots of `examples/robots`: how each is started, and how it trusts a private certificate authority."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROBOTS = ROOT / "examples" / "robots"


@dataclass(frozen=True)
class Language:
    """A sample robot: its file, its interpreter, and the variables of its environment."""

    file: str
    command: Sequence[str]
    trust: str
    """The variable that names the file of trusted certificate authorities."""
    environment: Mapping[str, str] = field(default_factory=dict)


LANGUAGES = {
    "python": Language("robot.py", (sys.executable,), "SSL_CERT_FILE"),
    "node": Language("robot.mjs", ("node",), "NODE_EXTRA_CA_CERTS"),
    "java": Language("Robot.java", ("java",), "JAVA_TOOL_OPTIONS"),
    "go": Language("robot.go", ("go", "run"), "SSL_CERT_FILE", {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}),
    "perl": Language("robot.pl", ("perl",), "MOJO_CA_FILE"),
}
