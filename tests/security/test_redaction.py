"""Text of any peer is redacted in linear time and makes a short record."""

import logging
import re
import sys
import time
from collections.abc import Callable
from itertools import product

import pytest

from casare_rpa.infrastructure.orchestrator import observability
from casare_rpa.infrastructure.orchestrator.observability import RECORD_BYTES, RedactingFormatter, redact

SMALL, LARGE = 1024, 16 * 1024
GROWTH = 4 * LARGE / SMALL
"""How much longer the large text may take. Linear is 16 times, quadratic 256 times."""
NOISE_SECONDS = 0.002

NAMES = ("api_key", "token", "access_token", "password", "authorization", "cookie", "sec-websocket-protocol")
STARTS = ("", "eyJ", "eyJa.", "crpa_", "?", "&a", "%74oken=", *NAMES, *(name + "'" for name in NAMES))
REPEATED = (
    *(
        "eyJ",
        "eyJa.",
        "a.eyJ",
        "crpa_",
        "token",
        "token=",
        "token'",
        "token':",
        "token' ",
        "cookie",
        "cookie ",
        "cookie:\n",
    ),
    *(
        "?",
        "&",
        "=",
        "%",
        "?%",
        "&a",
        "?a=%",
        "%3d",
        "'",
        "\\'",
        '"',
        "\\",
        ":",
        ",",
        " ",
        "\n",
        "\r",
        "x",
        ".",
        "-",
        "\x1b",
    ),
)
HOSTILE = {f"{start!r} and many {part!r}": (start, part) for start, part in product(STARTS, REPEATED)}


def text_of(start: str, part: str, size: int) -> str:
    return (start + part * (size // len(part)))[:size]


def fastest_seconds(run: Callable[[str], object], text: str) -> float:
    """The CPU seconds of the faster of two runs."""
    times = []
    for _ in range(2):
        began = time.thread_time()
        run(text)
        times.append(time.thread_time() - began)
    return min(times)


def assert_linear(run: Callable[[str], object], start: str, part: str) -> None:
    small, large = (fastest_seconds(run, text_of(start, part, size)) for size in (SMALL, LARGE))
    assert large <= GROWTH * small + NOISE_SECONDS, f"{start!r} + {part!r} * n: {small:.4f} s, then {large:.4f} s"


PATTERNS = {
    **{f"pattern {number}": pattern for number, pattern in enumerate(observability._PATTERNS)},
    "escaped parameter": observability._ESCAPED_PARAMETER,
    "secret name": observability._SECRET_NAME,
    "secret value": observability._SECRET_VALUE,
}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_every_pattern_takes_time_in_proportion_to_the_text(pattern: re.Pattern[str]) -> None:
    for start, part in HOSTILE.values():
        assert_linear(lambda text: pattern.sub("***", text), start, part)


@pytest.mark.slow
@pytest.mark.parametrize("part", REPEATED)
def test_redaction_takes_time_in_proportion_to_the_text(part: str) -> None:
    for start in STARTS:
        assert_linear(redact, "%" + start, part)


SECRET = "configured-secret-0123456789abcdef"
KEY = "crpa_" + "0123456789" * 6


def formatted(message: str, error: BaseException | None = None) -> str:
    formatter = RedactingFormatter((SECRET,))
    info = (type(error), error, error.__traceback__) if error is not None else None
    return formatter.format(logging.LogRecord("casare.test", logging.ERROR, "", 0, "%s", (message,), info))


@pytest.mark.parametrize("part", [*REPEATED, "ü", "€", "😀", "\ud800", "\x85"])
@pytest.mark.parametrize("size", [RECORD_BYTES // 2, RECORD_BYTES, 64 * 1024])
def test_record_is_short_for_any_length_of_its_text(part: str, size: int) -> None:
    shown = formatted(text_of("", part, size))
    assert len(shown.encode()) <= RECORD_BYTES
    if size > RECORD_BYTES:
        assert re.search(r" … \[cut, 655\d\d characters in all\] … $", shown)


@pytest.mark.parametrize("secret", [SECRET, KEY])
def test_credential_across_the_cut_is_not_partly_shown(secret: str) -> None:
    for before in range(RECORD_BYTES - 300, RECORD_BYTES + 600, 7):
        for text in (
            "x" * before + " " + secret + " " + "y" * 2000,
            f"{secret} " * 9 + "x" * before + " " + secret * 40,
        ):
            shown = formatted(text)
            assert all(secret[:size] not in shown for size in (8, len(secret)))


def test_long_traceback_keeps_its_beginning_and_its_end() -> None:
    def nested(depth: int) -> None:
        if depth:
            exec(f"def f{depth}(go): go({depth} - 1)\nf{depth}(nested)", {"nested": nested})
        raise ValueError(f"at the very end {SECRET}")

    try:
        nested(60)
    except ValueError as error:
        shown = formatted("what failed", error)
    assert len(shown.encode()) <= RECORD_BYTES
    assert "what failed" in shown
    assert shown.endswith("ValueError: at the very end ***")
    assert SECRET not in shown


def test_exception_with_a_long_text_is_a_short_record() -> None:
    try:
        raise OSError("x" * 100_000)
    except OSError:
        shown = formatted("what failed", sys.exception())
    assert len(shown.encode()) <= RECORD_BYTES
    assert "what failed" in shown
