"""Sign-in links: an address that signs a browser in once, for the person at the terminal of the orchestrator.

A link is valid once, for ten minutes, on every instance and across restarts: the store has a digest of its code. The
code is in the fragment of the address, which browsers do not send, so that it reaches no log of a server or proxy.

Source: docs/reference/http.md, Login.
"""

import secrets

from casare_rpa.domain.credentials import digest
from casare_rpa.domain.errors import AuthError, RateLimited
from casare_rpa.domain.instants import Instant, after
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore

PREFIX = "lnk_"
LINK_SECONDS = 600.0
MOST_LINKS = 100


class SignInLinks:
    """Issues codes, and accepts each once."""

    def __init__(self, store: LoginStore, clock: Clock, made_under: str) -> None:
        """`made_under` identifies the secrets of the server: a code made under others is not known."""
        self._store = store
        self._clock = clock
        self._made_under = made_under

    async def issue(self) -> tuple[str, Instant]:
        """A code for one sign-in, and its end.

        Raises:
            RateLimited: too many unused links.
        """
        code, now = PREFIX + secrets.token_urlsafe(32), self._clock.now()
        expires_at = after(now, LINK_SECONDS)
        if not await self._store.add_sign_in_code(self._digest(code), expires_at, now, MOST_LINKS):
            raise RateLimited("too many unused sign-in links; wait", LINK_SECONDS)
        return code, expires_at

    async def redeem(self, code: str) -> None:
        """Use up a code.

        Raises:
            AuthError: it is unknown, used or expired.
        """
        if not await self._store.use_sign_in_code(self._digest(code), self._clock.now()):
            raise AuthError("unknown, used or expired; make a new one: casare session link", field="code")

    def _digest(self, code: str) -> str:
        return digest(f"{self._made_under} {code}")
