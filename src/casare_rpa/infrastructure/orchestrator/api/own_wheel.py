"""The installed package as a wheel, for robots that install it from the orchestrator.

The dashboard is left out: a robot does not serve it. Source: docs/reference/http.md, Wheels.
"""

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

DISTRIBUTION = "casare-rpa"
PACKAGE = Path(__file__).resolve().parents[3]
LEFT_OUT = {"_dashboard", "__pycache__"}
WHEEL = "Wheel-Version: 1.0\nGenerator: casare-rpa\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class OwnWheel:
    """A wheel with its file name and the SHA-256 of its content in hexadecimal digits."""

    name: str
    content: bytes
    sha256: str


def build_own_wheel(package: Path = PACKAGE) -> OwnWheel:
    """A wheel of the running version. The same files result in the same bytes.

    Raises:
        PackageNotFoundError: the package is not installed, so its metadata are missing.
    """
    installed = distribution(DISTRIBUTION)
    named = f"casare_rpa-{installed.version}"
    files = {**_package_files(package), **_metadata_files(installed, f"{named}.dist-info")}
    record = f"{named}.dist-info/RECORD"
    rows = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[record] = "".join([*rows, f"{record},,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _FIXED_DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    wheel = packed.getvalue()
    return OwnWheel(f"{named}-py3-none-any.whl", wheel, hashlib.sha256(wheel).hexdigest())


def _package_files(package: Path) -> dict[str, bytes]:
    """The files of the package by their place in the wheel."""
    found = (path for path in sorted(package.rglob("*")) if path.is_file())
    inside = ((path, path.relative_to(package)) for path in found)
    return {
        f"{package.name}/{place.as_posix()}": path.read_bytes()
        for path, place in inside
        if not LEFT_OUT.intersection(place.parts)
    }


def _metadata_files(installed: Distribution, folder: str) -> dict[str, bytes]:
    texts = {
        "METADATA": installed.read_text("METADATA") or "",
        "WHEEL": WHEEL,
        "entry_points.txt": installed.read_text("entry_points.txt") or "",
    }
    return {f"{folder}/{name}": text.encode() for name, text in texts.items()}


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
