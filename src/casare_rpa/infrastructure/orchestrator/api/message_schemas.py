"""The JSON Schemas of the messages, made from their structs: the payload, and the frame around it.

Unknown keys are allowed everywhere, because peers ignore them.
Source: docs/reference/websocket-contract.md, Additions.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from casare_rpa.domain import codec
from casare_rpa.domain.examples import EXAMPLES
from casare_rpa.domain.protocol import Flat, Message
from casare_rpa.infrastructure.orchestrator.api.schema_forms import without_null_unions

Schema = dict[str, Any]
SCHEMAS = "#/components/schemas/"
GIVEN_ID: Schema = {
    "type": ["string", "integer", "null"],
    "description": "Requests an `ack` or `error` with the same `id`.",
}
_EXAMPLES = {type(example): example for example in EXAMPLES}


def payload_schemas(messages: Iterable[type[Message]]) -> dict[str, Schema]:
    """The schemas of these structs and of the structs in their fields, by name. Flat messages include `type`."""
    chosen = list(messages)
    _, schemas = msgspec.json.schema_components(chosen, ref_template=SCHEMAS + "{name}")
    for message in chosen:
        if issubclass(message, Flat):
            schemas[message.__name__] = _with_type(message, schemas[message.__name__])
    return {name: without_null_unions(_with_enum_type(schema)) for name, schema in sorted(schemas.items())}


def _with_type(message: type[Message], schema: Schema) -> Schema:
    properties = {"type": {"type": "string", "const": message.TYPE}, **schema["properties"]}
    return {**schema, "properties": properties, "required": ["type", *schema["required"]]}


def _with_enum_type(schema: Schema) -> Schema:
    """The schema of an enum with `type`: all enums here are strings, and some code generators require it."""
    return {**schema, "type": "string"} if "enum" in schema else schema


def frame_schema(message: type[Message], *, inbound: bool) -> Schema:
    """The schema of the whole text frame. An inbound frame may have an `id`, an outbound one the keys of `BESIDE`."""
    payload = {"$ref": SCHEMAS + message.__name__}
    if issubclass(message, Flat):
        return payload
    needed = ["type", "payload"] if not inbound or message.__struct_fields__ else ["type"]
    beside = {"id": GIVEN_ID} if inbound else _beside(message)
    return {
        "title": f"{message.__name__}Frame",
        "type": "object",
        "properties": {"type": {"type": "string", "const": message.TYPE}, **beside, "payload": payload},
        "required": needed,
    }


def _beside(message: type[Message]) -> Schema:
    return {name: without_null_unions(msgspec.json.schema(kind)) for name, kind in message.BESIDE.items()}


def message_object(message: type[Message], *, inbound: bool) -> Schema:
    """The AsyncAPI Message Object of a struct."""
    schema: Schema = {
        "name": message.TYPE,
        "title": message.__name__,
        "summary": (message.__doc__ or "").strip().partition("\n\n")[0],
        "contentType": "application/json",
        "payload": frame_schema(message, inbound=inbound),
    }
    if example := _EXAMPLES.get(message):
        document = msgspec.json.decode(codec.encode(example, "alpha-07/118" if inbound else None))
        schema["examples"] = [{"name": message.TYPE, "payload": document}]
    return schema
