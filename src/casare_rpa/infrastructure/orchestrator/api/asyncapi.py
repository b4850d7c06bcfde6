"""The AsyncAPI 3 document of the WebSocket endpoints, made from the message structs.

The endpoints are those of `domain/websocket_paths.py`, with the messages of their unions. `GET /asyncapi.json` returns
this text, and `schema/asyncapi.json` holds it.
"""

import functools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from casare_rpa import __version__
from casare_rpa.domain import protocol
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import ID_PATTERN, PROTOCOL_VERSION, Message
from casare_rpa.domain.vocabulary import CLOSE_CODES, ErrorCode
from casare_rpa.domain.websocket_paths import LIVE_JOBS, LOGS, ROBOT_LOGS, WEBSOCKET_PATHS, Credential, WebSocketPath
from casare_rpa.infrastructure.orchestrator.api.message_schemas import message_object, payload_schemas
from casare_rpa.infrastructure.orchestrator.views.log_stream import MAX_TAIL

Document = dict[str, Any]

DESCRIPTION = """\
The WebSocket messages between robots, dashboards and the orchestrator. Each message is one text frame with one JSON
object: an envelope of `type` and `payload`, or a flat object on `/ws/monitoring/*` (`error` and `auth_refresh` have an
envelope there too). Peers ignore unknown keys; clients also ignore unknown types. The schemas do not express these
limits: at most 32 levels of nesting; integers without fraction or exponent; numbers within the range of a double.
The complete contract is docs/reference/websocket-contract.md."""

ERROR_CODES = {
    ErrorCode.AUTH_FAILED: "the credential is missing, wrong, expired or not sufficient; the connection is closed",
    ErrorCode.INVALID_MESSAGE: "the message is malformed, or not possible in the present state; the connection stays",
    ErrorCode.RATE_LIMITED: "too many messages; the connection stays open and is read more slowly",
    ErrorCode.INTERNAL_ERROR: "the server failed and changed nothing; the same message may succeed later",
}

_SECURITY_SCHEMES = {
    "robotKey": ("query", "api_key", "The key of the robot."),
    "robotKeyHeader": ("header", "X-API-Key", "The same, as a header."),
    "adminSecret": ("query", "api_secret", "The admin secret."),
    "adminSecretHeader": ("header", "X-API-Secret", "The same, as a header."),
    "adminToken": ("query", "token", "The JWT of an admin."),
    "token": ("query", "token", "A JWT, or a robot's key."),
}
_LEVEL = {"type": "string", "enum": [level.value for level in Level], "default": Level.DEBUG.value}
_MIN_LEVEL = {**_LEVEL, "description": "The lowest level to send, in upper or lower case."}
_TAIL = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_TAIL,
    "description": "Start with this number of the last lines.",
}
_SINCE_LINE = {"type": "integer", "minimum": 0, "description": "Start with the lines after this `log_id`."}
_SINCE = {"type": "string", "description": "Start after this position, `epoch:seq`; if empty, with a snapshot."}
_TENANT_ID = {"type": "string", "pattern": ID_PATTERN, "description": "Only the lines of robots of this tenant."}
_LINES = (("min_level", _MIN_LEVEL), ("tail", _TAIL), ("since", _SINCE_LINE))

_QUERIES: dict[WebSocketPath, tuple[tuple[str, Document], ...]] = {
    ROBOT_LOGS: _LINES,
    LOGS: (("tenant_id", _TENANT_ID), *_LINES),
    LIVE_JOBS: (("since", _SINCE),),
}
"""The parameters of an address except for its credential."""

_SECURITY = {
    Credential.ROBOT_KEY: ("robotKey", "robotKeyHeader"),
    Credential.ADMIN_SECRET: ("adminSecret", "adminToken", "adminSecretHeader", "bearer"),
    Credential.TOKEN: ("token", "bearer"),
}


def asyncapi_document(paths: Sequence[WebSocketPath] = WEBSOCKET_PATHS) -> Document:
    """The document of these endpoints."""
    directions = [(endpoint.inbound, True) for endpoint in paths]
    directions += [(endpoint.outbound, False) for endpoint in paths]
    messages = {message: inbound for structs, inbound in directions for message in structs}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CasareRPA Orchestrator: WebSockets",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
            "x-protocol-version": PROTOCOL_VERSION,
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {endpoint.name: _channel(endpoint) for endpoint in paths},
        "operations": {name: operation for e in paths for name, operation in _operations(e).items()},
        "components": {
            "securitySchemes": _security_schemes(),
            "messages": {m.__name__: message_object(m, inbound=inbound) for m, inbound in messages.items()},
            "schemas": payload_schemas(messages),
        },
        "x-error-codes": {code.value: meaning for code, meaning in ERROR_CODES.items()},
        "x-close-codes": {
            str(int(code)): {"meaning": meaning, "reconnect": reconnect.value}
            for code, (reconnect, meaning) in CLOSE_CODES.items()
        },
    }


@functools.cache
def asyncapi_text() -> str:
    """The document as JSON text; computed once."""
    return json.dumps(asyncapi_document(), indent=2, ensure_ascii=False) + "\n"


def _servers() -> Document:
    variables = {"host": {"default": "127.0.0.1:8000", "description": "Host and port of the orchestrator."}}
    return {
        "plain": {"host": "{host}", "protocol": "ws", "variables": variables},
        "secure": {"host": "{host}", "protocol": "wss", "variables": variables},
    }


def _security_schemes() -> Document:
    schemes: Document = {
        name: {"type": "httpApiKey", "in": where, "name": key, "description": text}
        for name, (where, key, text) in _SECURITY_SCHEMES.items()
    }
    bearer = "A JWT from POST /api/v1/auth/login. The JWT of an admin is valid for the admin and log endpoints too."
    return {**schemes, "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": bearer}}


def _channel(endpoint: WebSocketPath) -> Document:
    names = [message.__name__ for message in (*endpoint.inbound, *endpoint.outbound)]
    keys = [_SECURITY_SCHEMES[name] for name in _SECURITY[endpoint.credential] if name in _SECURITY_SCHEMES]
    credentials = {key: {"type": "string", "description": text} for where, key, text in keys if where == "query"}
    channel: Document = {
        "address": endpoint.path,
        "summary": endpoint.summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {**credentials, **dict(_QUERIES.get(endpoint, ()))}},
                "bindingVersion": "0.1.0",
            }
        },
        "x-rate-limit": {"messages_per_second": endpoint.rate.per_second, "burst": endpoint.rate.burst},
        "x-max-message-bytes": endpoint.max_message_bytes,
    }
    if "{robot_id}" in endpoint.path:
        channel["parameters"] = {"robot_id": {"description": f"The robot; matches {ID_PATTERN}."}}
    return channel


def _operations(endpoint: WebSocketPath) -> Document:
    """The operations of the server at an endpoint: receive, unless it refuses all messages, and send."""
    capital = endpoint.name[0].upper() + endpoint.name[1:]
    operations: Document = {}
    if endpoint.inbound:
        operations[f"receiveFrom{capital}"] = _operation(endpoint, "receive", endpoint.inbound)
        answers = [message for message in endpoint.outbound if message in (protocol.Ack, protocol.Error)]
        operations[f"receiveFrom{capital}"]["reply"] = {
            "channel": {"$ref": f"#/channels/{endpoint.name}"},
            "messages": _references(endpoint, answers),
        }
    operations[f"sendTo{capital}"] = _operation(endpoint, "send", endpoint.outbound)
    return operations


def _operation(endpoint: WebSocketPath, action: str, messages: tuple[type[Message], ...]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{endpoint.name}"},
        "summary": endpoint.summary,
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY[endpoint.credential]],
        "messages": _references(endpoint, messages),
    }


def _references(endpoint: WebSocketPath, messages: Iterable[type[Message]]) -> list[Document]:
    return [{"$ref": f"#/channels/{endpoint.name}/messages/{message.__name__}"} for message in messages]
