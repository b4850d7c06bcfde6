"""The robot's key: its sources, and its protection from the programs that the robot runs.

Source: docs/explanation/security.md, Workflows and the robot's key.
"""

import ctypes
import os
import sys
from pathlib import Path

from casare_rpa.domain.text_files import decode_text

KEY_VARIABLE = "CASARE_API_KEY"
DESCRIPTOR_VARIABLE = "CASARE_API_KEY_FD"
"""A pipe to read the key from, up to its end. Set by a robot that starts itself again."""
SECRET_VARIABLES = (KEY_VARIABLE, "CASARE_API_SECRET", "CASARE_JWT_SECRET", "CASARE_ADMIN_PASSWORD")

_PR_SET_DUMPABLE = 4


def protect_memory() -> None:
    """Prevent other processes of the same user from reading the memory, environment and descriptors of this process.

    Linux only. The kernel then treats /proc/PID as root's, refuses ptrace, and writes no core file. A new program
    (exec) starts without this protection, so children can be inspected as usual.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def remove_secrets_from_environment() -> None:
    """Remove the secrets from the environment, also from the copy that the kernel shows in /proc/PID/environ."""
    for name in SECRET_VARIABLES:
        _take_variable(name)


def take_key(file: Path | None) -> str:
    """The key: from a file, the pipe of the process before a restart, or the environment. Empty when there is none.

    Afterwards the environment holds no secret.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: the file is not text.
    """
    descriptor = os.environ.pop(DESCRIPTOR_VARIABLE, "")
    key = _take_variable(KEY_VARIABLE).rstrip("\r\n")  # `echo` and files add a line end
    remove_secrets_from_environment()
    if descriptor:
        with os.fdopen(int(descriptor), "rb") as pipe:
            return pipe.read().decode()
    return decode_text(file.read_bytes()).strip() if file is not None else key


def pass_key(key: str) -> dict[str, str]:
    """The variables by which the program that replaces this one reads the key, from a pipe."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(key.encode())  # far below the capacity of a pipe
    os.set_inheritable(reading, True)
    return {DESCRIPTOR_VARIABLE: str(reading)}


def _take_variable(name: str) -> str:
    if sys.platform != "win32" and name in os.environ:
        # `os.environ.pop` removes the pointer; the text would stay in the memory that /proc/PID/environ shows.
        libc = ctypes.CDLL(None)
        libc.getenv.restype = ctypes.c_void_p
        address = libc.getenv(name.encode())
        if address:
            ctypes.memset(address, 0, len(os.environb[name.encode()]))
    return os.environ.pop(name, "")
