"""The errors that refuse messages: each names the type of the message, the field, the allowed values, and the job.

`refusal_of` is for a message that does not match its schema: the decoder explains errors with Python types, but clients
are written in other languages. `about` is for a message that is well-formed and not possible.
Source: docs/reference/websocket-contract.md, Errors.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import inspect

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import CasareError, ProtocolError
from casare_rpa.domain.vocabulary import Action

_AT_PATH = " - at `$"
_MAX_EXPLANATION_CHARACTERS = 200
_MISSING = re.compile(r"Object missing required field `(\w+)`$")
_TYPES = re.compile(r"`([a-z |]+)`")
_STEP = re.compile(r"\w+|\[[^\]]*\]")
_NAMES = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


class _JobOnly(msgspec.Struct, frozen=True):
    job_id: str


class _PayloadOnly(msgspec.Struct, frozen=True):
    payload: _JobOnly


_JOB = msgspec.json.Decoder(_PayloadOnly)


def refusal_of(
    error: msgspec.ValidationError, text: str, kind: str | None, messages: Sequence[type[protocol.Message]]
) -> ProtocolError:
    """The refusal of `text`, a message of type `kind`. `messages` are the messages that the endpoint accepts.

    The field is relative to the payload, or `payload`, `id` or `type` itself.
    """
    types = {message.TYPE: message for message in messages}
    # The last marker is the decoder's. An earlier one can be part of the sender's text that the error quotes.
    what, _, path = str(error).rpartition(_AT_PATH) if _AT_PATH in str(error) else (str(error), "", "")
    path = path.removesuffix("`").lstrip(".")
    if path == "type" and what.startswith("Invalid"):
        return ProtocolError(
            f"{_shortened(repr(kind))} is unknown; this endpoint takes {', '.join(types)}", field="type"
        )
    message = types.get(kind or "")
    if missing := _MISSING.match(what):
        path, what = f"{path}.{missing[1]}".lstrip("."), "required, but missing"
    elif what.startswith("Invalid RFC3339"):
        what = "expected a time such as 2026-03-02T08:15:00Z"
    elif what.startswith("Expected"):
        what = _TYPES.sub(_in_words, what)
    elif what.startswith("Invalid enum value") and message is not None:
        allowed = _allowed(message, path)
        what = f"{what.removeprefix('Invalid enum value ')} is not one of {allowed}" if allowed else what
    what = _shortened(what)
    field = path.removeprefix("payload.") or "message"
    refusal = ProtocolError(f"{what[:1].lower()}{what[1:]}", field=field)
    return refusal if message is None else refusal.of_message(message.TYPE, _job_in(text))


def about(error: CasareError, message: protocol.Message) -> CasareError:
    """The error that refuses a well-formed message."""
    job_id = getattr(message, "job_id", None)
    if isinstance(message, protocol.Command) and message.action is Action.CANCEL_JOB:
        job_id = message.target_id
    return error.of_message(message.TYPE, _valid_id(job_id))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_EXPLANATION_CHARACTERS else f"{text[:_MAX_EXPLANATION_CHARACTERS]}…"


def _in_words(found: re.Match[str]) -> str:
    return " or ".join(_NAMES.get(name, name) for name in found[1].split(" | "))


def _allowed(message: type[protocol.Message], path: str) -> str:
    """The values of the enum at a path such as `payload.status`; empty if there is no enum."""
    info: inspect.Type = inspect.type_info(message)
    for step in _STEP.findall(path.removeprefix("payload")):
        info = _inside(info, step)
    if isinstance(info, inspect.UnionType):
        info = next((one for one in info.types if isinstance(one, inspect.EnumType)), info)
    return ", ".join(str(value.value) for value in info.cls) if isinstance(info, inspect.EnumType) else ""


def _inside(info: inspect.Type, step: str) -> inspect.Type:
    """The type at one step of a path: an item of a list, or a field of an object."""
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    items = [option.item_type for option in options if isinstance(option, inspect.ListType)]
    structs = [option for option in options if isinstance(option, inspect.StructType)]
    fields = [field.type for struct in structs for field in struct.fields if field.encode_name == step]
    return [*items, *fields, info][0]


def _job_in(text: str) -> str | None:
    try:
        return _valid_id(_JOB.decode(text).payload.job_id)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _valid_id(job_id: str | None) -> str | None:
    return job_id if job_id is not None and re.fullmatch(protocol.ID_PATTERN, job_id) else None
