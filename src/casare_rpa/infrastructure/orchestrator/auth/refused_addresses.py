"""The log of requests that were refused for their host or origin, with the setting that allows them."""

import logging
from collections.abc import Callable

from casare_rpa.domain.errors import AuthError

logger = logging.getLogger(__name__)

REPEAT_SECONDS = 3600.0
MAX_DIFFERENT = 20
"""Different values that are logged within REPEAT_SECONDS. Any client can choose the values."""


class RefusedAddresses:
    """Writes one WARNING for each refused value, and again after REPEAT_SECONDS."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._warned_at: dict[str, float] = {}

    def warn(self, error: AuthError, client: str) -> None:
        """Log a refusal of `check_host` or `check_origin`, whose text names the value and the setting."""
        now = self._monotonic()
        self._warned_at = {text: at for text, at in self._warned_at.items() if now - at < REPEAT_SECONDS}
        text = str(error)
        if text not in self._warned_at and len(self._warned_at) < MAX_DIFFERENT:
            self._warned_at[text] = now
            logger.warning("refused a request from %s: %s", client, text)
