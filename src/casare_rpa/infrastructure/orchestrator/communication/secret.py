"""A robot's key on this side: kept out of every log, error and repr."""

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

_HIDDEN = "***"


class Secret:
    """A text that is shown to nobody but the orchestrator."""

    __slots__ = ("_forms", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        forms = {text, quote(text, safe=""), quote(text), quote_plus(text)} - {""}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return "Secret(***)"

    def redact(self, text: str) -> str:
        """The text without the secret, in plain or percent-encoded form."""
        for form in self._forms:
            text = text.replace(form, _HIDDEN)
        return text


class RedactingLogger(logging.LoggerAdapter[logging.Logger]):
    """For the WebSocket library, which logs the path of the request with its query: it says nothing unredacted."""

    def __init__(self, secret: Secret) -> None:
        super().__init__(logging.getLogger(f"{__package__}.wire"))
        self._secret = secret

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:  # noqa: ANN401
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401
        """Log what the record would say, as plain text: no argument and no traceback keeps a way to the secret."""
        if not self.isEnabledFor(level):
            return
        record = logging.LogRecord("", level, "", 0, msg, args, None)
        text = record.getMessage()
        if kwargs.get("exc_info"):
            text = f"{text}\n{traceback.format_exc()}"
        self.logger.log(level, "%s", self._secret.redact(text))
