"""The fields of Job with their types: rows, columns and HTTP views are derived from them."""

from types import NoneType
from typing import Any, NamedTuple, get_args

import msgspec

from casare_rpa.domain.job import Job


class JobField(NamedTuple):
    """A field of Job. `type` is its annotation without `None`, such as `Instant` or `tuple[str, ...]`."""

    name: str
    type: Any
    optional: bool


def fields_of(struct: type[msgspec.Struct]) -> tuple[JobField, ...]:
    """The fields of a struct in the order of its positional arguments."""
    return tuple(JobField(field.name, *_without_none(field.type)) for field in msgspec.structs.fields(struct))


def _without_none(annotation: Any) -> tuple[Any, bool]:  # noqa: ANN401 - any annotation
    members = get_args(annotation)
    if NoneType not in members:
        return annotation, False
    (present,) = (member for member in members if member is not NoneType)
    return present, True


JOB_FIELDS = fields_of(Job)
