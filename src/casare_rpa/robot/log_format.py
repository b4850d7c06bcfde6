"""The robot's own log: one record per line, for any characters in the text of an exception or a peer."""

import logging

from casare_rpa.domain.printable import one_record


class RecordFormatter(logging.Formatter):
    """Escapes control characters, and indents the lines of a traceback or of a text with line ends."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return one_record(super().format(record))


def configure_robot_log(level: str) -> None:
    """Log to stderr. No effect when a handler is installed, as with `--json`."""
    handler = logging.StreamHandler()
    handler.setFormatter(RecordFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("websockets").setLevel(logging.WARNING)
