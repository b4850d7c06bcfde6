"""The AsyncAPI document: complete, current, accepted by the official parser, and consistent with the samples."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import get_args

import generate_schema
import msgspec
import pytest
from starlette.routing import WebSocketRoute

from casare_rpa import __version__
from casare_rpa.domain import codec, examples, protocol, vocabulary, websocket_paths
from casare_rpa.domain.codec import messages_of
from casare_rpa.infrastructure.orchestrator import websocket_handlers
from casare_rpa.infrastructure.orchestrator.api import asyncapi
from casare_rpa.infrastructure.orchestrator.api.message_schemas import payload_schemas
from casare_rpa.infrastructure.orchestrator.api.routers import websockets
from contract.documents import BLOCKS, EVERY_ENDPOINT, REFERENCE, Block
from contract.server_process import Server
from schema.document import DOCUMENT, PATH, ROOT, closed, frames_of, inlined, problems

CODEGEN = ROOT / "tools" / "codegen"
CHANNELS = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
UNIONS = {name: messages_of(getattr(protocol, name)) for name in vars(protocol) if re.match(r"(From|To)[A-Z]", name)}
VARIANTS = [(block, text) for block in BLOCKS for text in block.variants()]


def validated(*files: Path) -> subprocess.CompletedProcess[str]:
    """The output of the official parser. `make test` installs it; by hand: `make tools/codegen/node_modules/.stamp`."""
    command = ["node", "validate.mjs", *map(str, files)]
    return subprocess.run(command, cwd=CODEGEN, capture_output=True, text=True, timeout=60, check=False)


def test_stored_documents_are_current() -> None:
    assert generate_schema.stale_documents(ROOT) == {}, generate_schema.STALE


def test_stale_and_missing_documents_are_found(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "asyncapi.json").write_text("{}")
    assert [path.name for path in generate_schema.stale_documents(tmp_path)] == ["asyncapi.json", "openapi.json"]


def test_running_server_returns_the_stored_asyncapi_document(server: Server) -> None:
    response = server.http.get("/asyncapi.json", headers={"X-API-Secret": ""})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == PATH.read_bytes()


def test_running_server_returns_the_stored_openapi_document(server: Server) -> None:
    assert server.http.get("/openapi.json").json() == json.loads((PATH.parent / "openapi.json").read_text("utf-8"))


@pytest.mark.slow
def test_official_parser_accepts_the_document() -> None:
    result = validated(PATH)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "valid, AsyncAPI 3.0.0" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "complaint"),
    [(("info",), 'required property "info"'), (("channels", "admin", "messages", "Command"), "does not exist")],
)
def test_official_parser_refuses_an_incomplete_document(part: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    broken = json.loads(PATH.read_text(encoding="utf-8"))
    holder = broken
    for step in part[:-1]:
        holder = holder[step]
    del holder[part[-1]]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    result = validated(tmp_path / "broken.json")
    assert result.returncode == 1
    assert complaint in result.stdout


def test_versions_are_those_of_the_code() -> None:
    assert DOCUMENT["info"]["version"] == __version__
    assert DOCUMENT["info"]["x-protocol-version"] == protocol.PROTOCOL_VERSION
    assert set(DOCUMENT["x-error-codes"]) == set(vocabulary.ErrorCode)
    assert set(DOCUMENT["x-close-codes"]) == {str(int(code)) for code in vocabulary.CloseCode}


def test_channels_are_the_routes_of_the_application() -> None:
    routes = [*websocket_handlers.routes, *websockets.routes]
    assert set(CHANNELS) == {route.path for route in routes if isinstance(route, WebSocketRoute)}


def test_limits_are_those_of_the_reference() -> None:
    sizes = {path: channel["x-max-message-bytes"] for path, channel in CHANNELS.items()}
    page = REFERENCE.read_text(encoding="utf-8")
    for path in ("/ws/robot/{robot_id}", "/ws/admin"):
        assert re.search(rf"^\| `{re.escape(path)}` \| \d+ KiB \({sizes[path]} bytes\)", page, re.MULTILINE)
    assert {size for path, size in sizes.items() if re.match("/ws/(logs|monitoring)", path)} == {4096}
    for who, path in (
        ("robot", "/ws/robot/{robot_id}"),
        ("admin, logs", "/ws/logs"),
        ("monitoring", websockets.LiveJobs.name),
    ):
        rate = CHANNELS[path]["x-rate-limit"]
        assert f"| {who} | {rate['messages_per_second']:g} | {rate['burst']:g} |" in page


def test_every_message_of_every_union_is_defined_once() -> None:
    structs = {struct for structs in UNIONS.values() for struct in structs}
    assert set(DOCUMENT["components"]["messages"]) == {struct.__name__ for struct in structs}
    for struct in structs:
        defined = inlined(DOCUMENT["components"]["messages"][struct.__name__])
        fields = defined["payload"]["properties"].get("payload", defined["payload"])
        assert {field.encode_name for field in msgspec.structs.fields(struct)} == set(fields["properties"]) - {"type"}
        assert defined["name"] == struct.TYPE
        assert defined["summary"]


def test_struct_added_to_a_union_appears_in_the_document() -> None:
    class Wave(protocol.Message, frozen=True, kw_only=True):
        """Hello from afar."""

        TYPE = "wave"
        height: int

    taller = replace(websocket_paths.ADMIN, takes=protocol.FromAdmin | Wave)
    document = asyncapi.asyncapi_document([taller])
    assert document["components"]["messages"]["Wave"]["summary"] == "Hello from afar."
    assert document["components"]["schemas"]["Wave"]["required"] == ["height"]
    assert {"$ref": "#/channels/admin/messages/Wave"} in document["operations"]["receiveFromAdmin"]["messages"]


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_message_has_an_example_that_is_valid_and_shows_every_field(name: str) -> None:
    message = inlined(DOCUMENT["components"]["messages"][name])
    (example,) = message["examples"]
    assert problems(closed(message["payload"]), example["payload"]) == []
    shown = example["payload"].get("payload", example["payload"])
    fields = message["payload"]["properties"].get("payload", message["payload"])["properties"]
    assert set(shown) == set(fields)


def test_every_example_belongs_to_a_message_of_an_endpoint() -> None:
    structs = {struct for structs in UNIONS.values() for struct in structs}
    assert [type(example) for example in examples.EXAMPLES if type(example) not in structs] == []
    assert len({type(example) for example in examples.EXAMPLES}) == len(examples.EXAMPLES)


@pytest.mark.parametrize(("block", "text"), VARIANTS, ids=[str(block) for block, _ in VARIANTS])
def test_sample_of_the_contract_is_valid(block: Block, text: str) -> None:
    document = json.loads(text)
    for address in CHANNELS if block.endpoint == EVERY_ENDPOINT else [block.endpoint]:
        schema = frames_of(address, block.direction)[document["type"]]
        assert problems(closed(schema), document) == []


def test_schema_allows_unknown_keys_everywhere() -> None:
    assert "additionalProperties" not in PATH.read_text(encoding="utf-8")


def test_sample_of_the_reference_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "reference" / "schema.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(sample, {})


def test_flat_messages_are_those_of_monitoring() -> None:
    schemas = payload_schemas(struct for structs in UNIONS.values() for struct in structs)
    flat = {name for name, schema in schemas.items() if schema.get("properties", {}).get("type", {}).get("const")}
    assert flat == {struct.__name__ for struct in protocol.Flat.__subclasses__()}


def test_decoders_accept_the_messages_of_the_channels() -> None:
    for address, decoder in (
        ("/ws/robot/{robot_id}", codec.FROM_ROBOT),
        ("/ws/admin", codec.FROM_ADMIN),
        ("/ws/monitoring/live-jobs", codec.FROM_MONITORING),
    ):
        assert list(frames_of(address, "in")) == list(decoder.types)
    assert list(frames_of("/ws/robot/{robot_id}", "out")) == [struct.TYPE for struct in get_args(protocol.ToRobot)]
