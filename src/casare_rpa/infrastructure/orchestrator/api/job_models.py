"""The fields of HTTP models that are derived from the declarations of the fields of a job."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from msgspec import NODEFAULT
from pydantic import BaseModel, Field, create_model

from casare_rpa.domain.instants import Instant, from_datetime, rfc3339
from casare_rpa.domain.job_fields import JobField
from casare_rpa.domain.job_request import FieldMark
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.infrastructure.orchestrator.api.parameters import Measure, Moment

Model = TypeVar("Model", bound=BaseModel)
Tag = Annotated[str, Field(pattern=ID_PATTERN)]

_LIMITS = ("min_length", "max_length", "pattern", "ge", "le", "description")


def with_shown_fields(fields: Sequence[JobField]) -> Callable[[type[Model]], type[Model]]:
    """A class decorator that adds these fields of Job to a view, with the types that `shown_value` returns."""
    return _with_fields({field.name: (_shown_type(field), ...) for field in fields})


def with_requested_fields(fields: Sequence[JobField]) -> Callable[[type[Model]], type[Model]]:
    """A class decorator that adds these fields of JobRequest to a request body, with their limits and defaults."""
    return _with_fields({field.name: (_requested_type(field), _limited(field)) for field in fields})


def _with_fields(fields: dict[str, Any]) -> Callable[[type[Model]], type[Model]]:
    def decorate(cls: type[Model]) -> type[Model]:
        added = create_model(cls.__name__, **fields)  # a base class, so that its fields are the first
        return create_model(cls.__name__, __base__=(cls, added), __module__=cls.__module__, __doc__=cls.__doc__)

    return decorate


def shown_value(field: JobField) -> Callable[[Any], Any] | None:
    """The function from the value of a field to that of the view; `None` if both are the same."""
    if field.type is Instant:
        convert: Callable[[Any], Any] = rfc3339
    elif field.mark in (FieldMark.JSON, FieldMark.JSON_OBJECT):
        convert = json.loads
    elif field.type == tuple[str, ...]:
        convert = list
    else:
        return None
    return (lambda value: None if value is None else convert(value)) if field.optional else convert


def requested_value(field: JobField) -> Callable[[Any], Any] | None:
    """The function from the value of a request body to that of the field; `None` if both are the same."""
    if field.type is Instant:
        return lambda value: None if value is None else from_datetime(value)
    if field.mark is FieldMark.JSON_OBJECT:
        return json_text
    return tuple if field.type == tuple[str, ...] else None


def json_text(value: dict[str, Any]) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shown_type(field: JobField) -> Any:  # noqa: ANN401 - a type
    if field.mark is FieldMark.JSON:
        return Any
    if field.type is Instant:
        shown: Any = str
    elif field.type == tuple[str, ...]:
        shown = list[str]
    elif field.mark is FieldMark.JSON_OBJECT:
        shown = dict[str, Any]
    else:
        shown = Measure if field.type is float else field.type
    return shown | None if field.optional else shown


def _requested_type(field: JobField) -> Any:  # noqa: ANN401 - a type
    if field.type is Instant:
        wanted: Any = Moment
    elif field.mark is FieldMark.JSON_OBJECT:
        wanted = dict[str, Any]
    else:
        wanted = list[Tag] if field.type == tuple[str, ...] else field.type
    return wanted | None if field.optional else wanted


def _limited(field: JobField) -> Any:  # noqa: ANN401 - pydantic's FieldInfo
    limits = {name: value for name in _LIMITS if (value := getattr(field.meta, name, None)) is not None}
    if field.default is NODEFAULT:
        return Field(**limits)
    default = json.loads(field.default) if field.mark is FieldMark.JSON_OBJECT else field.default
    return Field(list(default) if isinstance(default, tuple) else default, **limits)
