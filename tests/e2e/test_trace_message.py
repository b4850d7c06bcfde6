"""The number of functions that handle one message: `tools/trace_message.py` on a running server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {
    "report": (99, 83, 38),
    "heartbeat": (48, 36, 16),
    "log": (71, 58, 21),
    "submit": (278, 198, 60),
    "cancel": (204, 131, 53),
}
"""The largest numbers of calls, functions and files. A change that needs more raises the limit and explains why.

At 1ca23e8, before the path was shortened, a report took 180 calls of 113 functions in 37 files.
Two calls in `hub/answers.py` keep the answers to reports and log lines in order: each kind has its own batches.
HTTP requests pass the limits for connections without a credential: `transport/connection_gate.py` and
`transport/request_protocol.py` read them in turns. `domain/fields.py` writes the two numbers of a heartbeat, in two
messages to viewers, without a fraction where they are whole; a response to a submit has one, too.
Log lines also count the stored bytes of their robot. Viewers get them in the order of their ids with the lines of other
instances: four functions for each write, in `bus/events.py` and `domain/feed.py`, too.
A route of HTTP gets the part of the control plane that it uses from a dependency, which takes two calls. The fields of
a submit are converted by the type of their declaration: one function for each type.
A change that viewers see is numbered in its transaction, with the state that they see, and is shown in the order of the
numbers: a report takes eight functions more (twelve calls), and no more time in the event loop.
A claim joins the waiting lines that the same robots can serve, which takes four functions.
Each transaction looks whether another connection has written, which takes one call. Each change that viewers see wakes
the streams of programs in `views/change_feed.py`. The newest revisions of jobs that viewers were shown are in
`views/recent_revisions.py`.
A claim looks whether the sessions of its robots are still the newest ones: `session_rows.py` and one function.
Both stores share their portable methods in `storage/tables/` and the parameters of their statements: up to three files
more. A report extends the list of jobs of its robot, which heartbeats renew.
A transaction takes the operations that arrive while it executes, which saves a flush of the disk: two calls of one
function.
The commit that records the sending of a cancel has 24 calls, and may end before or after the record does.
A request whose body arrives after its head takes seven more calls, and the first text of a second one.
"""


@pytest.mark.slow
def test_a_message_stays_within_its_limits_of_calls_functions_and_files() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/trace_message.py"), "--json"], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert numbers.keys() == LIMITS.keys()
    for message, (calls, functions, files) in LIMITS.items():
        found = numbers[message]
        assert 0 < found["files"] <= files, (message, found)
        assert 0 < found["functions"] <= functions, (message, found)
        assert 0 < found["calls"] <= calls, (message, found)
