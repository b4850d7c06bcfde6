"""The AsyncAPI document for clients: the JSON Schema of a frame, by channel and direction."""

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
    """The target of a `$ref` within the document."""
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def inlined(value: Any) -> Any:
    """The value with every `$ref` replaced by its target."""
    if isinstance(value, list):
        return [inlined(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return inlined(looked_up(value["$ref"]))
    return {key: inlined(item) for key, item in value.items()}


def closed(schema: Any) -> Any:
    """The schema, changed so that it refuses unknown keys in every object with named keys."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(item) for key, item in schema.items()}
    return {**inner, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner


def frames_of(address: str, direction: str) -> dict[str, Schema]:
    """The schemas of the frames of a channel and direction, by the `type` of the frame."""
    (channel,) = [name for name, channel in DOCUMENT["channels"].items() if channel["address"] == address]
    operations = [
        operation
        for operation in DOCUMENT["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and operation["action"] == ACTIONS[direction]
    ]
    messages = [inlined(message) for operation in operations for message in operation["messages"]]
    return {message["name"]: message["payload"] for message in messages}


def problems(schema: Schema, document: Any) -> list[str]:
    """The errors that a validator finds in the value; empty if it is valid."""
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(document)]
