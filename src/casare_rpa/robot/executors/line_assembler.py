"""Splits the bytes of one output stream into whole lines, text that waits for its line end, and progress bars."""

import codecs
import re
from dataclasses import dataclass

MAX_LINE_BYTES = 1024 * 1024
HOLD_SECONDS = 0.5
"""How long text may wait for its line end before it is passed on as a line."""
BAR_SECONDS = 0.5
"""The shortest time between two states of a progress bar."""
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class BarState:
    """The current text of a line that the program overwrites with carriage returns."""

    text: bytes


class LineAssembler:
    """The lines of one stream, without line ends. No I/O and no clock; `now` is in seconds, monotonic.

    A line that the program overwrites with `\\r` is a progress bar: its states are `BarState`s, and the line itself is
    its last state that is not blank. Memory is bounded: a longer line is split into pieces.
    """

    def __init__(
        self, *, encoding: str = "utf-8", max_line_bytes: int = MAX_LINE_BYTES, holds_json: bool = False
    ) -> None:
        """`holds_json`: text that begins with `{` waits for its line end without limit, since it may be an event."""
        self._encoding = encoding
        self._max_line_bytes = max_line_bytes
        self._holds_json = holds_json
        self._rest = b""
        self._rest_since: float | None = None
        self._bar: bytes | None = None
        self._shown = b""
        self._shown_at = float("-inf")

    def feed(self, data: bytes, now: float) -> list[bytes]:
        """The lines that these bytes complete."""
        *ended, rest = (self._rest + data).split(b"\n")
        lines = [self._end_line(line) for line in ended]
        self._rest = self._overwrite(rest)
        if len(self._rest) > self._max_line_bytes:
            lines.append(self._end_line(self._rest))
            self._rest = b""
        if ended or self._rest_since is None:
            self._rest_since = now
        if not self._rest:
            self._rest_since = None
        return lines

    def due_at(self) -> float | None:
        """The time at which `take_due` has something to return; `None` when nothing waits."""
        if self._bar_text() is not None:
            return None if self._bar_text() == self._shown else self._shown_at + BAR_SECONDS
        if self._rest_since is None or self._is_held():
            return None
        return self._rest_since + HOLD_SECONDS

    def take_due(self, now: float) -> bytes | BarState | None:
        """The text that has waited for long enough, or the state of the bar if it has changed; else `None`."""
        due_at = self.due_at()
        if due_at is None or now < due_at:
            return None
        if (bar := self._bar_text()) is not None:
            self._shown, self._shown_at = bar, now
            return BarState(bar)
        decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        decoder.decode(self._rest)
        incomplete = decoder.getstate()[0]  # the first bytes of a character
        text = self._rest[: len(self._rest) - len(incomplete)]
        self._rest, self._rest_since = incomplete, None
        return text or None

    def finish(self) -> list[bytes]:
        """The rest at the end of the stream."""
        rest, self._rest, self._rest_since = self._rest, b"", None
        return [self._end_line(rest)] if rest or self._bar is not None else []

    def _end_line(self, line: bytes) -> bytes:
        last = self._last_state(line.rstrip(b"\r"))
        self._bar, self._shown = None, b""
        return last

    def _overwrite(self, rest: bytes) -> bytes:
        """Keep the last state of an unfinished line. A `\\r` at its end may be the first half of a line end."""
        cut = rest.rfind(b"\r", 0, len(rest) - 1)
        if cut < 0:
            return rest
        self._bar = self._last_state(rest[:cut])
        return rest[cut + 1 :]

    def _last_state(self, text: bytes) -> bytes:
        if b"\r" not in text and self._bar is None:
            return text
        states = [state for state in text.split(b"\r") if state.strip()]
        return states[-1] if states else self._bar or b""

    def _bar_text(self) -> bytes | None:
        """The text that the bar shows; `None` when the unfinished line is not a bar."""
        if self._bar is None and not self._rest.endswith(b"\r"):
            return None
        return _ESCAPES.sub(b"", self._last_state(self._rest.rstrip(b"\r"))).strip()

    def _is_held(self) -> bool:
        return self._holds_json and self._rest.lstrip()[:1] == b"{"
