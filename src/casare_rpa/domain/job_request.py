"""The fields of a job that its submitter sets, each declared once."""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import MAX_ID_LENGTH, MAX_TAGS
from casare_rpa.domain.protocol import ID_PATTERN

DEFAULT_PRIORITY = 5
MAX_PRIORITY = 10
DEFAULT_TIMEOUT_SECONDS = 3600
MAX_TIMEOUT_SECONDS = 7 * 24 * 3600
DEFAULT_QUEUE = "default"


class FieldMark(Enum):
    """What the HTTP view of a job does with a field beyond its type."""

    SHOWN = "the view has the field under its name"
    JSON = "the field is JSON text; the view has the value"
    JSON_OBJECT = "the field is the JSON text of an object; the view has the object"


class JobRequest(msgspec.Struct, frozen=True, gc=False):
    """The request for a job, without its idempotency key.

    The column of the store, the field of the HTTP body and that of the HTTP view are derived from the declaration. Its
    `Meta` is the limit and the description of the body, which is checked there only.
    """

    workflow_id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)]
    tenant_id: Annotated[str, Meta(pattern=ID_PATTERN)]
    parameters: Annotated[str, FieldMark.JSON_OBJECT, Meta(description="At most 256 KiB of JSON.")] = "{}"
    priority: Annotated[
        int, Meta(ge=0, le=MAX_PRIORITY, description="Higher first; one step equals ten minutes of waiting.")
    ] = DEFAULT_PRIORITY
    timeout_seconds: Annotated[int, Meta(ge=1, le=MAX_TIMEOUT_SECONDS)] = DEFAULT_TIMEOUT_SECONDS
    target_robot_id: Annotated[str | None, Meta(pattern=ID_PATTERN)] = None
    tags: Annotated[tuple[str, ...], Meta(max_length=MAX_TAGS, description="Tags that the robot must have.")] = ()
    max_attempts: Annotated[
        int, Meta(ge=1, le=100, description="How many starts are allowed; 1 means at most once.")
    ] = 1
    not_before: Annotated[Instant | None, Meta(description="Earliest time of its start.")] = None
    queue: Annotated[str, Meta(pattern=ID_PATTERN, description="The queue of the job.")] = DEFAULT_QUEUE
    queue_ttl_seconds: Annotated[
        int | None,
        Meta(
            ge=1,
            le=MAX_TIMEOUT_SECONDS,
            description="How long it may wait before it fails with the reason `expired`.",
        ),
    ] = None
    retry_of: str | None = None
