"""The examples of messages can be encoded and decoded again."""

import json

import msgspec
import pytest

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.examples import EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_example_is_equal_after_encoding_and_decoding(example: protocol.Message) -> None:
    text = codec.encode(example)
    if isinstance(example, protocol.Flat):
        again = msgspec.json.decode(text, type=type(example))
    else:
        again = codec.Decoder(type(example)).decode(text.decode()).message
    assert json.loads(codec.encode(again)) == json.loads(text)


def test_every_message_of_the_codec_has_an_example() -> None:
    decoders = (codec.FROM_ROBOT, codec.TO_ROBOT, codec.FROM_ADMIN, codec.FROM_MONITORING)
    shown = {example.TYPE for example in EXAMPLES}
    assert [kind for decoder in decoders for kind in decoder.types if kind not in shown] == []
