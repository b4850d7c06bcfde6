"""Hypothesis strategies for frames: valid ones from the schemas of the document, and damaged ones."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from schema.document import Schema, frames_of

MORE = pytest.mark.parametrize("more", [1, pytest.param(5, marks=pytest.mark.long)])
"""How many times as many generated frames as in `make test`."""
JUNK = (
    None,
    True,
    -1,
    0.5,
    2**31 + 1,
    10**30,
    1.5e-300,
    "",
    "x" * 20_000,
    "\0",
    "\ud800",
    [],
    {},
    [[[[None]]]],
    {"a": {"b": [{}]}},
    "2026-13-01T00:00:00Z",
)
FLIPS = '"\\{}[]:,-0a\0\u2028é😀'


KNOWN = {"const", "enum", "anyOf", "type", "properties", "required", "items", "maxItems", "minLength", "maxLength"}
KNOWN |= {"minItems", "minimum", "maximum", "pattern", "title", "description", "default", "format"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MOST_ITEMS = 4


def valid(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that this schema allows. Supports the keywords of the document.

    Raises:
        NotImplementedError: the schema has an unsupported keyword.
    """
    if unknown := set(schema) - KNOWN:
        raise NotImplementedError(f"schema keywords {unknown}")
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([valid(choice) for choice in schema["anyOf"]])
    named = schema.get("type", "anything")
    if isinstance(named, list):
        return st.one_of([valid({**schema, "type": one}) for one in named])
    return OF_TYPE[named](schema)


def texts(schema: Schema) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$"), fullmatch=True)
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))


def numbers(schema: Schema) -> st.SearchStrategy[float]:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    whole = st.integers(lowest, highest)
    return whole | st.floats(lowest, highest, allow_nan=False, allow_infinity=False)


def objects(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """The object with additional, unknown keys."""
    fields = {name: valid(field) for name, field in schema["properties"].items()}
    required = {name: field for name, field in fields.items() if name in schema["required"]}
    optional = {name: field for name, field in fields.items() if name not in schema["required"]}
    strangers = st.dictionaries(st.text(max_size=8).filter(lambda name: name not in fields), ANYTHING, max_size=1)
    return st.tuples(strangers, st.fixed_dictionaries(required, optional=optional)).map(lambda two: two[0] | two[1])


OF_TYPE: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "anything": lambda schema: ANYTHING,
    "null": lambda schema: st.none(),
    "boolean": lambda schema: st.booleans(),
    "string": texts,
    "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
    "number": numbers,
    "array": lambda schema: st.lists(
        valid(schema["items"]),
        min_size=schema.get("minItems", 0),
        max_size=min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS),
    ),
    "object": objects,
}


def valid_frames(address: str) -> st.SearchStrategy[dict[str, Any]]:
    """Frames of every message that this channel accepts."""
    return st.one_of([valid(schema) for schema in frames_of(address, "in").values()])


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document, beginning with the whole document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in places(item, (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn, frames: st.SearchStrategy[dict[str, Any]], kinds: tuple[str, ...]) -> Any:
    """A valid frame with one error: a missing key, another value, another type, or an additional key."""
    frame = copy.deepcopy(draw(frames))
    *way, last = draw(st.sampled_from(places(frame)[1:]))
    holder = frame
    for step in way:
        holder = holder[step]
    match draw(st.sampled_from(["drop", "junk", "retype", "extra", "wrap"])):
        case "drop":
            del holder[last]
        case "junk":
            holder[last] = draw(st.sampled_from(JUNK))
        case "retype":
            frame["type"] = draw(st.sampled_from((*kinds, "", "Heartbeat", "nonsense")))
        case "extra" if isinstance(holder, dict):
            holder[draw(st.text())] = draw(st.sampled_from(JUNK))
        case _:
            holder[last] = [holder[last]]
    return frame


@st.composite
def damaged(draw: st.DrawFn, frames: st.SearchStrategy[dict[str, Any]]) -> str:
    """The text of a valid frame, truncated, with changed characters, or with text after it."""
    text = json.dumps(draw(frames), ensure_ascii=draw(st.booleans()))
    position = draw(st.integers(0, len(text) - 1))
    match draw(st.sampled_from(["cut", "flip", "insert", "append"])):
        case "cut":
            return text[:position]
        case "flip":
            return text[:position] + draw(st.sampled_from(FLIPS)) + text[position + 1 :]
        case "insert":
            return text[:position] + draw(st.sampled_from(FLIPS)) + text[position:]
        case _:
            return text + draw(st.sampled_from(["}", "{}", " null", "\0", text]))
