"""Sign-in links: an address that signs a browser in once, for the person at the terminal of the orchestrator.

A link is valid once, for ten minutes. Links are kept in memory, as digests, and do not survive a restart. The code
is in the fragment of the address, which browsers do not send, so that it reaches no log of a server or proxy.

Source: docs/reference/http.md, Login.
"""

import secrets

from casare_rpa.domain.credentials import digest
from casare_rpa.domain.errors import AuthError, RateLimited
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

PREFIX = "lnk_"
LINK_SECONDS = 600.0
MOST_LINKS = 100


class SignInLinks:
    """Codes of links that are neither used nor expired."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, float] = {}  # digest to its end in monotonic seconds, oldest first

    def issue(self) -> str:
        """A code for one sign-in.

        Raises:
            RateLimited: too many unused links.
        """
        self._drop_expired()
        if len(self._issued) >= MOST_LINKS:
            raise RateLimited("too many unused sign-in links; wait", LINK_SECONDS)
        code = PREFIX + secrets.token_urlsafe(32)
        self._issued[digest(code)] = self._clock.monotonic() + LINK_SECONDS
        return code

    def redeem(self, code: str) -> None:
        """Use up a code.

        Raises:
            AuthError: it is unknown, used or expired.
        """
        self._drop_expired()
        if self._issued.pop(digest(code), None) is None:
            raise AuthError("unknown, used or expired; make a new one: casare session link", field="code")

    def _drop_expired(self) -> None:
        now = self._clock.monotonic()
        self._issued = {code: end for code, end in self._issued.items() if end > now}
