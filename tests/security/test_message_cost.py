"""The work that one message costs: no Python code runs per character of it."""

import json
import sys
from types import FrameType
from typing import Any

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import ROBOT_MESSAGE_BYTES

MAX_LINES = 400
"""Lines of Python code that the decoding of one message may execute. An ordinary heartbeat takes about ten."""

PARTS = {
    "NUL": "\\u0000",
    "high surrogates": "\\ud83d",
    "low surrogates": "\\udc00",
    "pairs": "\\ud83d\\ude00",
    "escaped backslashes": "\\\\u0000\\u0000",
    "quotes": '\\"',
}
NESTS = {
    "leaves": "[],",
    "objects": '{"a":{}},',
    "deep": "[" * 28 + "]" * 28 + ",",
    "strings": '"[{","",',
    "open": "[",
    "closed": "]",
    "quotes": '"',
}


def executed_lines(text: str) -> int:
    """The lines of Python code that run while a robot's message is decoded, whether or not it is refused."""
    lines = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        codec.FROM_ROBOT.decode(text)
    except ProtocolError:
        codec.id_of(text)
    finally:
        sys.settrace(before)
    return lines


def filled(head: str, part: str, tail: str) -> str:
    return head + part * ((ROBOT_MESSAGE_BYTES - len(head) - len(tail)) // len(part)) + tail


def test_lines_of_python_code_are_counted() -> None:
    assert 5 < executed_lines('{"type":"pong","payload":{}}') < MAX_LINES


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("kind", ["pong", "no such type"])
def test_escapes_cost_no_python_code(part: str, kind: str) -> None:
    text = filled(f'{{"type":"{kind}","payload":{{"x":"\\ud800', part, '"}}')
    json.loads(text)
    assert executed_lines(text) < MAX_LINES


@pytest.mark.parametrize("part", NESTS.values(), ids=NESTS)
def test_brackets_cost_no_python_code(part: str) -> None:
    assert executed_lines(filled('{"type":"pong","payload":{"x":["[",', part, "0]}}")) < MAX_LINES
