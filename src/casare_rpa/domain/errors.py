"""The errors of the project, as one tree. Each has the error code of the contract that is sent to the peer.

CasareError                     INTERNAL_ERROR
├── ProtocolError               INVALID_MESSAGE   a malformed message or request
│   └── SearchTooLong                             a search that reached its time limit
├── AuthError                   AUTH_FAILED       a credential that is missing, wrong, expired or not sufficient
├── RateLimited                 RATE_LIMITED      too many messages or requests
├── NotFound (LookupError)      INVALID_MESSAGE   no such robot, job, key or tenant
├── Conflict                    INVALID_MESSAGE   it exists already, or its state does not allow the request
│   ├── InvalidTransition                         the transition table does not allow the event
│   └── StaleAttempt                              a report about an attempt that is over
├── PositionGone                INVALID_MESSAGE   changes after the position of a client are no longer stored
├── InvalidSettings             INTERNAL_ERROR    a setting cannot be used; the server does not start
├── StoreUnavailable            INTERNAL_ERROR    nothing was written; try again
└── client side
    ├── ConnectFailed                             the connection could not be opened
    ├── ConnectionLost                            the connection broke
    └── Rejected                                  the server refused a request or message

Only `hub/session.py` maps them to WebSocket messages, and only `api/error_responses.py` to HTTP.
"""

from typing import ClassVar, Self

from casare_rpa.domain.vocabulary import CloseCode, ErrorCode


class CasareError(Exception):
    """Base of all errors of the project.

    `field` names the input that the error is about, in the terms of the caller that gave it, such as `robot_id` or
    `jobs.3.queue`; `None` when it concerns no single field. `str(error)` is the text for a person: `field: sentence`,
    or the sentence alone. A caller that knows the input by another name assigns `field` and raises the error again.
    The error that refuses a message of a socket has also the type of the message and the job that it is about:
    `TYPE.FIELD: sentence (job ID)`.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field
        self.message_type: str | None = None
        self.job_id: str | None = None

    def __str__(self) -> str:
        place = ".".join(part for part in (self.message_type, self.field) if part is not None)
        job = f" (job {self.job_id})" if self.job_id is not None else ""
        return f"{place}: {self.sentence}{job}" if place else f"{self.sentence}{job}"

    def of_message(self, message_type: str | None, job_id: str | None = None) -> Self:
        """A copy about a message of this type, and about a job unless the error names one already.

        The field is then relative to the payload. A copy, because one error can refuse all messages of a batch.
        """
        error = type(self).__new__(type(self))
        error.args = self.args
        vars(error).update(vars(self))
        error.message_type = message_type
        error.job_id = self.job_id or job_id
        return error


class ProtocolError(CasareError):
    """Malformed input. `field` names its place; the message has the expected form."""

    code = ErrorCode.INVALID_MESSAGE


class SearchTooLong(ProtocolError):
    """A search that reached its time limit of `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the search took over {seconds:g} seconds; narrow it, for example to a robot, a job or a time"
        )


class AuthError(CasareError):
    """A credential that is missing, invalid or not sufficient; `close_code` distinguishes these.

    `guess` is the digest of a wrong key. The same key again does not count as another guess. It is never shown.
    """

    code = ErrorCode.AUTH_FAILED

    def __init__(
        self, sentence: str, close_code: CloseCode = CloseCode.AUTH_FAILED, *, field: str | None = None
    ) -> None:
        super().__init__(sentence, field=field)
        self.close_code = close_code
        self.guess: str | None = None


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


class PositionGone(CasareError):
    """Changes after the position of a client are no longer stored. `oldest` is the first position that is valid."""

    code = ErrorCode.INVALID_MESSAGE

    def __init__(self, sentence: str, oldest: str, *, field: str | None = None) -> None:
        super().__init__(sentence, field=field)
        self.oldest = oldest


class InvalidSettings(CasareError):
    """The settings cannot be used. The message names each problem and contains no secret."""


class StoreUnavailable(CasareError):
    """The store could not commit; nothing was written, and the same call may succeed later."""

    @classmethod
    def after(cls, problem: BaseException, sentence: str) -> "StoreUnavailable":
        """The error for the messages of a failed batch: `problem` if it is a StoreUnavailable, else `sentence`."""
        return problem if isinstance(problem, cls) else cls(sentence)


class ConnectFailed(CasareError):
    """The client could not connect.

    `retryable`: another attempt can succeed. `unanswered`: the client gave up, but the server may still accept the
    request.
    """

    def __init__(self, sentence: str, *, retryable: bool = True, unanswered: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        self.unanswered = unanswered


class ConnectionLost(CasareError):
    """The connection ended before the answer arrived."""


class Rejected(CasareError):
    """The server answered with an error. `error_code` is its code, `status` the HTTP status, if any."""

    def __init__(self, sentence: str, error_code: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.error_code = error_code
        self.status = status
