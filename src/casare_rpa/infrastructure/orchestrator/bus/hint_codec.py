"""Hints as JSON. Unknown keys are ignored, so that instances of two versions can share a bus."""

import msgspec

from casare_rpa.infrastructure.orchestrator.ports.bus import Hint

MAX_BYTES = 7_500
"""The longest hint. PostgreSQL refuses payloads of 8,000 bytes and more."""

_decoder = msgspec.json.Decoder(Hint)


def encode_hint(hint: Hint) -> bytes:
    """The JSON of a hint. A longer one than MAX_BYTES gets its short form, which names neither robots nor jobs."""
    encoded = msgspec.json.encode(hint)
    if len(encoded) <= MAX_BYTES:
        return encoded
    all_robots = hint.all_robots or bool(hint.robots)
    return msgspec.json.encode(msgspec.structs.replace(hint, progress=(), robots=(), all_robots=all_robots))


def decode_hint(encoded: bytes | str) -> Hint | None:
    """The hint; `None` if the text is not one."""
    try:
        return _decoder.decode(encoded)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
