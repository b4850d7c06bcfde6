"""Keeps a credential out of logs, errors and reprs."""

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

_HIDDEN = "***"


class Secret:
    """A credential. `text` is for the orchestrator alone; every other text goes through `redact`."""

    __slots__ = ("_forms", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        forms = {text, quote(text, safe=""), quote(text), quote_plus(text)} - {""}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return "Secret(***)"

    def redact(self, text: str) -> str:
        """The text with the secret, plain or percent-encoded, replaced by ***."""
        for form in self._forms:
            text = text.replace(form, _HIDDEN)
        return text


class RedactingLogger(logging.LoggerAdapter[logging.Logger]):
    """Logger for the WebSocket library, which logs the request path and with it the key: redacts every record."""

    def __init__(self, secret: Secret) -> None:
        super().__init__(logging.getLogger(f"{__package__}.wire"))
        self._secret = secret

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:  # noqa: ANN401
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401
        """Log the formatted and redacted text, without arguments or traceback objects that could hold the secret."""
        if not self.isEnabledFor(level):
            return
        record = logging.LogRecord("", level, "", 0, msg, args, None)
        text = record.getMessage()
        if kwargs.get("exc_info"):
            text = f"{text}\n{traceback.format_exc()}"
        self.logger.log(level, "%s", self._secret.redact(text))
