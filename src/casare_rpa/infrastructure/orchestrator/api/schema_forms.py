"""Forms of JSON Schema that code generators understand."""

from typing import Any, TypeVar

T = TypeVar("T")


def without_null_unions(schema: T, *, formats: bool = True) -> T:
    """The same schema, with `{"type": ["number", "null"]}` for a union of one type and `null`.

    Generators make an anonymous type of `{"anyOf": [{"type": "number"}, {"type": "null"}]}`, and an optional number of
    the shorter form. A union with a named schema stays as it is, and without `formats` also one with a format such as
    `date-time`. The argument is not changed.
    """
    rebuilt: Any = schema
    if isinstance(schema, list):
        rebuilt = [without_null_unions(one, formats=formats) for one in schema]
    elif isinstance(schema, dict):
        rebuilt = _shortened(
            {name: without_null_unions(value, formats=formats) for name, value in schema.items()}, formats=formats
        )
    same_form: T = rebuilt
    return same_form


def _shortened(schema: dict[str, Any], *, formats: bool) -> dict[str, Any]:
    forms: list[dict[str, Any]] = schema.get("anyOf", [])
    if len(forms) != 2 or forms[1] != {"type": "null"} or not isinstance(forms[0].get("type"), str):
        return schema
    if forms[0].keys() & {"enum", "const", *schema} or ("format" in forms[0] and not formats):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**forms[0], "type": [forms[0]["type"], "null"], **rest}
