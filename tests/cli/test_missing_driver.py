"""Commands on a PostgreSQL database where its driver is not installed, as after `make run`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

URL = "postgresql://casare@127.0.0.1:1/casare"
WITHOUT_DRIVER = "import sys; sys.modules['asyncpg'] = None; from casare_rpa.cli.main import main; main()"
COMMANDS = {
    "serve": ("serve", "--port", "0"),
    "copy a database": ("db", "copy", URL, "sqlite:///{folder}/copied.sqlite3"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_error_names_the_command_that_installs_the_driver(command: str, tmp_path: Path) -> None:
    words = [word.format(folder=tmp_path) for word in COMMANDS[command]]
    own = {"CASARE_DATA_DIR": str(tmp_path), "CASARE_DATABASE_URL": URL}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVER, *words],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    sentence = "the driver of PostgreSQL is not installed (asyncpg): pip install 'casare-rpa[server,postgres]'"
    assert done.stderr.endswith(f"casare: {sentence}\n")
    assert "Traceback" not in done.stderr
