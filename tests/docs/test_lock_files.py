"""The lock files of Python: the same versions everywhere, and in each the packages of its purpose."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRIVERS = {"asyncpg", "greenlet", "nats-py", "nkeys"}
"""Packages for several instances on one database."""


def versions(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(found.groups() for line in lines if (found := re.match(r"([a-z0-9-]+)==(\S+)", line)))


@pytest.mark.parametrize("lock", ["requirements-run.lock", "requirements-image.lock"])
def test_packages_have_the_versions_that_are_tested(lock: str) -> None:
    assert versions(lock).items() <= versions("requirements.lock").items()
    assert {"robotframework", "uvicorn"} <= versions(lock).keys()


def test_one_machine_installs_no_drivers_and_the_image_has_them() -> None:
    assert versions("requirements-run.lock").keys().isdisjoint(DRIVERS)
    assert versions("requirements-image.lock").keys() > DRIVERS
    assert "-r requirements-image.lock" in (ROOT / "deploy" / "Dockerfile").read_text()
