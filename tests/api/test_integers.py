"""An integer of a request body is not `true` or `false`, in each body of each route, also a new one."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from casare_rpa.infrastructure.orchestrator.server import HTTP_ROUTES


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of an annotation, such as `A | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    else:
        for part in get_args(annotation):
            yield from models(part)


BODIES = {
    model
    for route in HTTP_ROUTES
    if isinstance(route, APIRoute) and route.body_field is not None
    for model in models(route.body_field.field_info.annotation)
}
INTEGERS = sorted(
    (
        (model, field.alias or name)
        for model in BODIES
        for name, field in model.model_fields.items()
        if field.annotation in (int, int | None)
    ),
    key=lambda found: (found[0].__name__, found[1]),
)


def test_the_integers_of_jobs_and_robots_are_found() -> None:
    named = {(model.__name__, name) for model, name in INTEGERS}
    assert named > {("NewJob", "priority"), ("NewJob", "queue_ttl_seconds"), ("NewRobot", "max_concurrent_jobs")}


@pytest.mark.parametrize(("model", "name"), INTEGERS, ids=lambda part: getattr(part, "__name__", part))
@pytest.mark.parametrize("value", [True, False])
def test_truth_value_is_refused(model: type[BaseModel], name: str, value: bool) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({name: value})
    assert "an integer is expected" in [
        str(error["ctx"]["error"]) for error in refused.value.errors() if error["loc"] == (name,)
    ]
