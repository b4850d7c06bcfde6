"""The types and codes of a job's error, and which of them are not retried.

Source: docs/reference/errors.md, Errors of a job.
"""

from enum import StrEnum
from typing import NamedTuple


class ErrorType(StrEnum):
    """The values of `type` that have a meaning for the server. Robots can send any other text."""

    ERROR = "error"
    BUSINESS = "business"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


class FailureCode(StrEnum):
    """The values of `code` that `casare robot run` reports. Robots can send any other text."""

    UNKNOWN_WORKFLOW = "unknown_workflow"
    BAD_WORKFLOW = "bad_workflow"
    MISSING_LIBRARY = "missing_library"
    BAD_PARAMETERS = "bad_parameters"
    BAD_RESULT = "bad_result"
    STARTED_BEFORE = "started_before"


class ErrorRule(NamedTuple):
    """Whether another attempt may follow while attempts are left, and the line of the value in the documents."""

    retried: bool
    meaning: str


ERROR_TYPES: dict[ErrorType, ErrorRule] = {
    ErrorType.ERROR: ErrorRule(True, "the workflow or the machine failed"),
    ErrorType.BUSINESS: ErrorRule(False, "the work cannot be done: `BusinessError`, `Fail As Business Error`"),
    ErrorType.REJECTED: ErrorRule(False, "the robot does not do such work; the `reason` of the job is `rejected`"),
    ErrorType.CANCELLED: ErrorRule(True, "the robot stopped the job. A job whose cancel was requested is not retried"),
    ErrorType.TIMEOUT: ErrorRule(True, "a time limit of the robot was exceeded; the `reason` of the job is `timeout`"),
}
ERROR_CODES: dict[FailureCode, ErrorRule] = {
    FailureCode.UNKNOWN_WORKFLOW: ErrorRule(False, "the robot has no workflow folder with that name"),
    FailureCode.BAD_WORKFLOW: ErrorRule(
        False,
        "the folder has no workflow that the robot can run, or its `workflow.toml` is invalid; the message says which",
    ),
    FailureCode.MISSING_LIBRARY: ErrorRule(False, "a library of the workflow cannot be imported; the message names it"),
    FailureCode.BAD_PARAMETERS: ErrorRule(
        False, "the parameters of the job do not match those of the Python task; the message names the parameter"
    ),
    FailureCode.BAD_RESULT: ErrorRule(
        False, "the workflow completed, but its result cannot be sent; the message has the reason"
    ),
    FailureCode.STARTED_BEFORE: ErrorRule(
        True, "an earlier process of the robot started this attempt, and an attempt is not started twice"
    ),
}

NEVER_RETRIED = frozenset(
    name.value for rules in (ERROR_TYPES, ERROR_CODES) for name, rule in rules.items() if not rule.retried
)


def is_retried(error_type: str | None, code: str | None) -> bool:
    """Whether another attempt may follow a failure with this error; any unknown value is retried.

    A name of the table counts as a `type` and as a `code`, because clients of other makers put it in either field.
    """
    return error_type not in NEVER_RETRIED and code not in NEVER_RETRIED
