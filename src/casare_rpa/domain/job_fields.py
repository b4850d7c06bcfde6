"""The fields of Job with their types: rows, columns and HTTP views are derived from them."""

from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_request import FieldMark, JobRequest


class JobField(NamedTuple):
    """A field of Job. `type` is its annotation without `None` and without marks, such as `tuple[str, ...]`."""

    name: str
    type: Any
    optional: bool
    mark: FieldMark | None = None
    meta: Meta | None = None
    default: Any = NODEFAULT

    @property
    def shown(self) -> bool:
        """Whether the HTTP view of a job has this field under its name."""
        return self.mark is not None or self.name in JobRequest.__struct_fields__


def fields_of(struct: type[msgspec.Struct]) -> tuple[JobField, ...]:
    """The fields of a struct in the order of its positional arguments."""
    return tuple(map(_job_field, msgspec.structs.fields(struct)))


def _job_field(field: msgspec.structs.FieldInfo) -> JobField:
    annotation: Any = field.type
    marks: list[Any] = []
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
    mark = next((one for one in marks if isinstance(one, FieldMark)), None)
    meta = next((one for one in marks if isinstance(one, Meta)), None)
    return JobField(field.name, *_without_none(annotation), mark, meta, field.default)


def _without_none(annotation: Any) -> tuple[Any, bool]:  # noqa: ANN401 - any annotation
    members = get_args(annotation)
    if NoneType not in members:
        return annotation, False
    (present,) = (member for member in members if member is not NoneType)
    return present, True


JOB_FIELDS = fields_of(Job)
REQUEST_FIELDS = fields_of(JobRequest)
"""The fields that the submitter sets."""
