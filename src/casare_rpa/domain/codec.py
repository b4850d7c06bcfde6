"""Strict encoding and decoding of messages: envelopes, the flat monitoring form, nesting depth, repair of text.

Source: docs/reference/websocket-contract.md, Sizes, Bad input, Additions.
"""

import re
from array import array
from functools import lru_cache
from itertools import accumulate
from typing import Any, Generic, Literal, TypeVar, cast, get_args

import msgspec

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.feed import Position
from casare_rpa.domain.refusals import refusal_of

MAX_DEPTH = 32
_SURROGATE_OR_NUL = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_HIGH = r"[89abAB][0-9a-fA-F]{2}"
_LOW = r"[c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE = re.compile(rf"\\u[dD](?:{_HIGH}(?!\\u[dD]{_LOW})|{_LOW}(?<!\\u[dD]{_HIGH}\\u[dD]{_LOW}))")
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))
_SIGNS = bytes.maketrans(b"[]", b"\x01\xff")
"""An opening bracket as 1, a closing one as -1 in a signed byte."""

_ENCODE = msgspec.json.Encoder().encode

M = TypeVar("M", bound=protocol.Message)
MessageId = protocol.MessageId


class Received(msgspec.Struct, Generic[M], frozen=True, gc=False):
    """A decoded message. `id` is its top-level id, which the answer carries; `None` requests no answer."""

    message: M
    id: MessageId | None = None


class _IdOnly(msgspec.Struct, frozen=True):
    id: MessageId | None = None


class _TypeOnly(msgspec.Struct, frozen=True):
    type: str


_ID_ONLY = msgspec.json.Decoder(_IdOnly)
_TYPE_ONLY = msgspec.json.Decoder(_TypeOnly)


def messages_of(union: object) -> tuple[type[protocol.Message], ...]:
    """The structs of a union such as `protocol.FromRobot`, in the order of the union. Accepts a single struct too."""
    return get_args(union) or (cast("type[protocol.Message]", union),)


def _frame_of(message: type[protocol.Message], *, alone: bool) -> type[msgspec.Struct]:
    """The envelope of one message: `type`, `payload`, and an optional `id`.

    In a union, `type` is the tag. A message that is `alone` has a field `type`, because msgspec does not require
    the tag of a single struct.
    """
    payload: tuple[str, object] | tuple[str, object, object] = ("payload", message)
    if not message.__struct_fields__:  # a message without fields, such as `pong`, needs no payload
        payload = ("payload", message, None)
    fields: list[tuple[str, object] | tuple[str, object, object]] = [payload, ("id", MessageId | None, None)]
    name = f"{message.__name__}Frame"
    if alone:
        return msgspec.defstruct(name, [("type", Literal[message.TYPE]), *fields], frozen=True, gc=False)
    return msgspec.defstruct(name, fields, tag=message.TYPE, tag_field="type", frozen=True, gc=False)


class Decoder(Generic[M]):
    """Decodes the enveloped messages of one direction of one endpoint."""

    def __init__(self, *messages: type[protocol.Message]) -> None:
        self.types = tuple(message.TYPE for message in messages)
        self._messages = messages
        frames = [_frame_of(message, alone=len(messages) == 1) for message in messages]
        self._without_payload: dict[type, type[protocol.Message]] = dict(zip(frames, messages, strict=True))
        union = frames[0]
        for frame in frames[1:]:
            union = cast("type[msgspec.Struct]", union | frame)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)
        """Its values are frames: each has a `payload`, which is a message or None, and an `id`."""

    def decode(self, text: str) -> Received[M]:
        """The message in a text frame.

        Raises:
            ProtocolError: the text is not JSON or nested too deep, the type is unknown, or a field is missing or
                wrong; `field` names it.
        """
        if "\\u" in text:
            text = repair(text)
        if text.count("[") + text.count("{") > MAX_DEPTH:
            check_depth(text)
        try:
            frame = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise self._refusal(error, text) from None
        payload = frame.payload
        if payload is None:
            payload = self._without_payload[type(frame)]()
        return Received(payload, frame.id)

    def decode_known(self, text: str) -> Received[M] | None:
        """Like `decode`, but `None` for an unknown message type, which clients ignore.

        Raises:
            ProtocolError: the text is not a message, or a malformed message of a known type.
        """
        try:
            return self.decode(text)
        except ProtocolError:
            kind = type_of(text)
            if kind is None or kind in self.types:
                raise
            return None

    def _refusal(self, error: Exception, text: str) -> ProtocolError:
        if not isinstance(error, msgspec.ValidationError):
            return ProtocolError(f"not valid JSON: {error}", field="message")
        return refusal_of(error, text, type_of(text), self._messages)


def id_of(text: str) -> MessageId | None:
    """The top-level `id` of a malformed message, for the error that answers it; `None` if it has no valid id."""
    try:
        return _ID_ONLY.decode(repair(text)).id
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def type_of(text: str) -> str | None:
    """The `type` of a malformed message; `None` if it has none or it is not a string."""
    try:
        return _TYPE_ONLY.decode(repair(text)).type
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def repair(text: str) -> str:
    """The JSON text with NUL and lone surrogate escapes inside strings replaced by U+FFFD.

    PostgreSQL stores neither of them, and a lone surrogate has no UTF-8 form. A refused message would lose log lines.
    """
    if not _SURROGATE_OR_NUL.search(text) or "\x00" in text:  # an unescaped NUL is not JSON: the decoder refuses it
        return text
    # An escaped backslash must not be read as the start of the next escape. Pairs of backslashes, read from the left,
    # are the escaped ones; two NULs stand for each meanwhile. No step below runs Python code per escape, because
    # a message of 256 KiB can consist of escapes.
    text = text.replace("\\\\", "\x00\x00").replace("\\u0000", "\\ufffd")
    if "\\ud" in text or "\\uD" in text:
        text = _LONE_SURROGATE.sub(r"\\ufffd", text)
    return text.replace("\x00\x00", "\\\\")


def check_depth(text: str) -> None:
    """Raises ProtocolError when arrays and objects are nested deeper than 32 levels.

    The decoder calls it only for a text with more than 32 opening brackets; most messages have about four. It runs no
    Python code per character, because a message of 256 KiB can consist of brackets.
    """
    plain = text.encode(errors="surrogatepass").replace(b"\\\\", b"").replace(b'\\"', b"")
    # Only brackets and quotes are left. Every second piece between quotes is inside a string.
    outside = plain.translate(_SQUARE, _NEITHER_BRACKET_NOR_QUOTE).replace(b'""', b"").split(b'"')[::2]
    brackets = b"".join(outside)
    levels = 0
    while 2 * len(leafless := brackets.replace(b"[]", b"")) <= len(brackets) and brackets:
        brackets = leafless
        levels += 1
    deepest = max(accumulate(array("b", brackets.translate(_SIGNS))), default=0)
    if levels + deepest > MAX_DEPTH:
        raise ProtocolError(f"nested deeper than {MAX_DEPTH} levels", field="message")


def encode(message: protocol.Message, message_id: MessageId | None = None) -> bytes:
    """The JSON text of a message: flat for `Flat` structs, otherwise an envelope with `id` beside `type`.

    >>> encode(protocol.Ping(timestamp="2025-12-22T14:30:00.000Z"))
    b'{"type":"ping","payload":{"timestamp":"2025-12-22T14:30:00.000Z"}}'
    """
    body = _ENCODE(message)
    opening, flat = _opening(type(message))
    if flat:
        return opening + b"," + body[1:]
    if message_id is None:
        return b'%b,"payload":%b}' % (opening, body)
    return b'%b,"id":%b,"payload":%b}' % (opening, _ENCODE(message_id), body)


@lru_cache(maxsize=256)
def _opening(kind: type[protocol.Message]) -> tuple[bytes, bool]:
    """The JSON text of a message up to its type, and whether the message is flat. Cached: each kind has one."""
    return b'{"type":"%b"' % kind.TYPE.encode(), issubclass(kind, protocol.Flat)


def numbered(json: bytes, position: Position) -> bytes:
    """An encoded message with its position in a sequence beside `type`. `json` is a result of `encode`.

    >>> numbered(b'{"type":"ping","payload":{}}', Position("5f3a", 17))
    b'{"type":"ping","epoch":"5f3a","seq":17,"payload":{}}'
    """
    behind = json.index(b'"', len(b'{"type":"')) + 1
    place = f',"epoch":"{position.epoch}","seq":{position.seq}'.encode()
    return json[:behind] + place + json[behind:]


def log_frame(json: bytes, log_id: int, seq: int, dropped: int = 0) -> bytes:
    """An encoded `log` message with `log_id`, `seq` and `dropped` beside `type`; a `dropped` of 0 is left out.

    >>> log_frame(b'{"type":"log","payload":{}}', 991, 12, 3)
    b'{"type":"log","log_id":991,"seq":12,"dropped":3,"payload":{}}'
    """
    behind = len(b'{"type":"log"')
    left_out = f',"dropped":{dropped}' if dropped else ""
    return json[:behind] + f',"log_id":{log_id},"seq":{seq}{left_out}'.encode() + json[behind:]


def json_text(raw: msgspec.Raw, field: str) -> str:
    """The JSON text of an undecoded value, checked as strictly as decoded fields.

    Raises:
        ProtocolError: the value is not portable JSON, such as the number 1e999.
    """
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ProtocolError(f"not valid JSON: {error}", field=field) from None
    return bytes(raw).decode()


FROM_ROBOT: Decoder[protocol.FromRobot] = Decoder(*messages_of(protocol.FromRobot))
TO_ROBOT: Decoder[protocol.ToRobot] = Decoder(*messages_of(protocol.ToRobot))
FROM_ADMIN: Decoder[protocol.FromAdmin] = Decoder(*messages_of(protocol.FromAdmin))
FROM_MONITORING: Decoder[protocol.FromMonitoring] = Decoder(*messages_of(protocol.FromMonitoring))
