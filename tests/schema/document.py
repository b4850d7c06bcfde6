"""The AsyncAPI document as a client reads it: the JSON Schema of a frame, by channel and direction."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "schema" / "asyncapi.json"
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
ACTIONS = {"in": "receive", "out": "send"}
Schema = dict[str, Any]


def looked_up(reference: str) -> Any:
    """What a `$ref` within the document points to."""
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def inlined(value: Any) -> Any:
    """The value with every `$ref` in it replaced by what it points to."""
    if isinstance(value, list):
        return [inlined(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return inlined(looked_up(value["$ref"]))
    return {key: inlined(item) for key, item in value.items()}


def closed(schema: Any) -> Any:
    """The schema with keys that it does not name refused, wherever it names any."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(item) for key, item in schema.items()}
    return {**inner, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner


def frames_of(address: str, direction: str) -> dict[str, Schema]:
    """The schema of every frame that the operation of this channel and direction names, by the frame's `type`."""
    (channel,) = [name for name, channel in DOCUMENT["channels"].items() if channel["address"] == address]
    operations = [
        operation
        for operation in DOCUMENT["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and operation["action"] == ACTIONS[direction]
    ]
    messages = [inlined(message) for operation in operations for message in operation["messages"]]
    return {message["name"]: message["payload"] for message in messages}


def problems(schema: Schema, document: Any) -> list[str]:
    """What a validator says against the document; nothing when it is valid."""
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(document)]
