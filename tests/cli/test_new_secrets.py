"""`casare secrets new`: secrets that the settings accept, different ones each time, and stored nowhere."""

from pathlib import Path

import pytest

from casare_rpa.infrastructure.orchestrator.settings import SECRETS, load_settings
from cli.running import casare, document, done

NAMES = {f"CASARE_{name.upper()}" for name in SECRETS}


def test_lines_are_those_of_an_environment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = done(casare("secrets", "new", CASARE_DATA_DIR=str(tmp_path / "data"), HOME=str(tmp_path)))
    made = dict(line.split("=", 1) for line in printed.splitlines())
    assert set(made) == NAMES
    assert len(set(made.values())) == len(NAMES)
    assert list(tmp_path.iterdir()) == [], "nothing is stored"
    for name, secret in made.items():
        monkeypatch.setenv(name, secret)
    settings = load_settings(data_dir=tmp_path / "data")
    assert set(settings.secret_texts) == set(made.values())


@pytest.mark.slow
def test_each_call_prints_other_secrets() -> None:
    first, second = (document(casare("secrets", "new", "--json")) for _ in range(2))
    assert set(first) == NAMES
    assert not set(first.values()) & set(second.values())
