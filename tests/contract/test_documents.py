"""The JSON blocks of the contract against the structs of the code."""

import json
from typing import Any, get_args

import msgspec
import pytest

from casare_rpa.domain import codec, protocol
from contract.documents import ADDRESSES, BLOCKS, DOCUMENTS, ENDPOINTS, EVERY_ENDPOINT, REFERENCE, Block, blocks_of

TO_ADMIN = codec.Decoder(*get_args(protocol.ToAdmin))
TO_LOGS = codec.Decoder(*get_args(protocol.ToLogs))
ERRORS = codec.Decoder(protocol.Error)
DECODERS: dict[tuple[str, str], codec.Decoder[Any]] = {
    ("/ws/robot/{robot_id}", "in"): codec.FROM_ROBOT,
    ("/ws/robot/{robot_id}", "out"): codec.TO_ROBOT,
    ("/ws/admin", "in"): codec.FROM_ADMIN,
    ("/ws/admin", "out"): TO_ADMIN,
    ("/ws/logs/{robot_id}", "out"): TO_LOGS,
    ("/ws/logs", "out"): TO_LOGS,
    ("/ws/monitoring/live-jobs", "in"): codec.FROM_MONITORING,
    (EVERY_ENDPOINT, "out"): ERRORS,
}
FLAT: dict[str, tuple[type[protocol.Flat], ...]] = {
    "/ws/monitoring/live-jobs": (protocol.LiveJob, protocol.LiveSubscribed, protocol.LiveSnapshotEnd),
    "/ws/monitoring/robot-status": (protocol.RobotHeartbeat,),
    "/ws/monitoring/queue-metrics": (protocol.QueueDepth,),
}
MESSAGES: dict[tuple[str, str], tuple[type[protocol.Message], ...]] = {
    ("/ws/robot/{robot_id}", "in"): get_args(protocol.FromRobot),
    ("/ws/robot/{robot_id}", "out"): get_args(protocol.ToRobot),
    ("/ws/admin", "in"): get_args(protocol.FromAdmin),
    ("/ws/admin", "out"): get_args(protocol.ToAdmin),
    ("/ws/logs/{robot_id}", "out"): get_args(protocol.ToLogs),
    ("/ws/monitoring/live-jobs", "in"): (protocol.AuthRefresh,),
    **{(path, "out"): structs for path, structs in FLAT.items()},
}
VARIANTS = [(block, text) for block in BLOCKS for text in block.variants()]


def decode(block: Block, text: str) -> codec.Received[Any]:
    if block.direction == "out" and block.endpoint in FLAT:
        (struct,) = [known for known in FLAT[block.endpoint] if json.loads(text)["type"] == known.TYPE]
        return codec.Received(msgspec.json.decode(text, type=struct))
    return DECODERS[block.endpoint, block.direction].decode(text)


def without_unsaid_additions(
    fields: dict[str, Any], said: dict[str, Any], struct: type[msgspec.Struct]
) -> dict[str, Any]:
    """The encoded fields without fields that a 1.0 document lacks and that have a default."""
    optional = {field.encode_name for field in msgspec.structs.fields(struct) if not field.required}
    return {name: value for name, value in fields.items() if name in said or name not in optional}


@pytest.mark.parametrize(("block", "text"), VARIANTS, ids=[str(block) for block, _ in VARIANTS])
def test_block_encodes_to_itself_after_decoding(block: Block, text: str) -> None:
    document = json.loads(text)
    received = decode(block, text)
    encoded = json.loads(codec.encode(received.message, received.id))
    if isinstance(received.message, protocol.Flat):
        flat = {name: value for name, value in document.items() if name != "type"}
        kept = without_unsaid_additions({k: v for k, v in encoded.items() if k != "type"}, flat, type(received.message))
        encoded = {"type": encoded["type"], **kept}
    else:
        encoded["payload"] = without_unsaid_additions(encoded["payload"], document["payload"], type(received.message))
    assert encoded == document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_document_has_blocks_addresses_and_endpoints(document) -> None:
    assert len(blocks_of(document)) >= 15
    assert {"/ws/robot/{robot_id}", "/ws/admin", "/ws/logs/{robot_id}", "/ws/logs", *FLAT} <= set(ENDPOINTS)
    assert any(address.document == document.parent.name for address in ADDRESSES)


@pytest.mark.parametrize("where", MESSAGES, ids=lambda where: " ".join(where))
def test_reference_shows_every_message_with_every_field(where: tuple[str, str]) -> None:
    endpoint, direction = where
    shown: dict[str, set[str]] = {}
    for block in blocks_of(REFERENCE):
        if block.endpoint in (endpoint, EVERY_ENDPOINT) and block.direction == direction:
            document = json.loads(next(block.variants()))
            shown.setdefault(document["type"], set()).update(document.get("payload", document))
    for struct in MESSAGES[where]:
        assert {field.encode_name for field in msgspec.structs.fields(struct)} <= shown[struct.TYPE], struct.TYPE


def test_reference_shows_only_messages_of_the_code() -> None:
    for block in blocks_of(REFERENCE):
        if block.endpoint not in (EVERY_ENDPOINT, "/ws/logs"):
            kinds = {struct.TYPE for struct in MESSAGES[block.endpoint, block.direction]}
            assert json.loads(next(block.variants()))["type"] in kinds, str(block)
