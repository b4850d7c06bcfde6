"""The errors of the project, one tree; each carries the contract's code that a peer is told.

CasareError                     INTERNAL_ERROR
├── ProtocolError               INVALID_MESSAGE   a message or request that is not well formed
├── AuthError                   AUTH_FAILED       missing, wrong, expired, or not for this
├── RateLimited                 RATE_LIMITED      too much, too fast
├── NotFound (LookupError)      INVALID_MESSAGE   no such robot, job, key, tenant
├── Conflict                    INVALID_MESSAGE   it exists, or its state does not allow it
│   ├── InvalidTransition                         the transition table refuses
│   └── StaleAttempt                              a report about an attempt that is over
├── InvalidSettings             INTERNAL_ERROR    a setting cannot be used; start-up stops
├── StoreUnavailable            INTERNAL_ERROR    nothing was written; try again
└── client side
    ├── ConnectFailed                             no connection could be made
    ├── ConnectionLost                            the connection went away
    └── Rejected                                  the server refused a request or message

Mapped to the wire in `hub/session.py`, to HTTP in `api/error_responses.py`, nowhere else.
"""

from typing import ClassVar

from casare_rpa.domain.vocabulary import CloseCode, ErrorCode


class CasareError(Exception):
    """Base of all errors of the project.

    `field` names the input that the error is about, in the terms of the caller that gave it, such as `robot_id` or
    `jobs.3.queue`; `None` when it concerns no single field. `str(error)` is the text for a person: `field: sentence`,
    or the sentence alone. A caller that knows the input by another name assigns `field` and raises the error again.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field

    def __str__(self) -> str:
        return self.sentence if self.field is None else f"{self.field}: {self.sentence}"


class ProtocolError(CasareError):
    """Malformed input. `field` says where; the sentence says what is expected."""

    code = ErrorCode.INVALID_MESSAGE


class AuthError(CasareError):
    """A credential that is missing, invalid or not sufficient; `close_code` says which of these."""

    code = ErrorCode.AUTH_FAILED

    def __init__(
        self, sentence: str, close_code: CloseCode = CloseCode.AUTH_FAILED, *, field: str | None = None
    ) -> None:
        super().__init__(sentence, field=field)
        self.close_code = close_code


class RateLimited(CasareError):
    """Too many requests; the caller may try again after `retry_after_seconds`."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, sentence: str, retry_after_seconds: float) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class NotFound(CasareError, LookupError):
    """The object does not exist, or the principal may not see it. The answer is the same in both cases."""

    code = ErrorCode.INVALID_MESSAGE


class Conflict(CasareError):
    """The request does not fit the present state."""

    code = ErrorCode.INVALID_MESSAGE


class InvalidTransition(Conflict):
    """The job's state does not allow this event."""


class StaleAttempt(Conflict):
    """The report is about an attempt that no longer owns the job."""


class InvalidSettings(CasareError):
    """The settings cannot be used; the sentence names each problem, and never holds a secret."""


class StoreUnavailable(CasareError):
    """The store could not commit; nothing was written, and the same call may succeed later."""


class ConnectFailed(CasareError):
    """The client could not connect; `retryable` says whether trying again can help."""

    def __init__(self, sentence: str, *, retryable: bool = True) -> None:
        super().__init__(sentence)
        self.retryable = retryable


class ConnectionLost(CasareError):
    """The connection ended while something waited for an answer."""


class Rejected(CasareError):
    """The server answered with an error; `error_code` is its code, `status` that of HTTP, if any."""

    def __init__(self, sentence: str, error_code: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.error_code = error_code
        self.status = status
