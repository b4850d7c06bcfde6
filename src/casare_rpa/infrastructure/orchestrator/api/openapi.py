"""The OpenAPI document of the HTTP API, in a form that code generators turn into readable names and types."""

from collections.abc import Iterable
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from casare_rpa.infrastructure.orchestrator.api.dependencies import admin, reader
from casare_rpa.infrastructure.orchestrator.api.schema_forms import without_null_unions

Document = dict[str, Any]
SERVERS = [{"url": "/", "description": "The server that returns this document."}]
ADMIN_SCHEMES: list[dict[str, list[str]]] = [{"AdminSecret": []}, {"Token": []}]


def with_readable_forms(document: Document, routes: Iterable[BaseRoute]) -> Document:
    """The OpenAPI document of FastAPI, changed for code generators.

    The id of an operation is the name of its handler, such as `cancel_job`, because generated functions get this name.
    An operation for admins does not list the key of a robot. An optional body is not nullable, because generated
    clients would send `null`. A nullable value has no separate named type.
    """
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                operation["operationId"] = route.name
                if _needs(route.dependant, admin) or _needs(route.dependant, reader):
                    operation["security"] = ADMIN_SCHEMES
                _simplify_body(operation)
    # Test data generators do not combine a list of types with a format.
    return without_null_unions({**document, "servers": SERVERS}, formats=False)


def _needs(dependant: Dependant, wanted: object) -> bool:
    return dependant.call is wanted or any(_needs(one, wanted) for one in dependant.dependencies)


def _simplify_body(operation: Document) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        forms = [form for form in schema.get("anyOf", ()) if form != {"type": "null"}]
        if len(forms) == 1:
            content["schema"] = forms[0]
