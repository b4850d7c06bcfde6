"""Code generators make named types and functions of both documents, and their code decodes every example."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schema.document import DOCUMENT, ROOT, inlined

OPENAPI = json.loads((ROOT / "schema" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [operation for path in OPENAPI["paths"].values() for operation in path.values()]
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
QUICKTYPE = ROOT / "tools" / "codegen" / "node_modules" / ".bin" / "quicktype"
JACKSON = [f"/usr/share/java/jackson-{part}.jar" for part in ("core", "databind", "annotations")]
NULL = {"type": "null"}


def parts(document: Any) -> list[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(document, list):
        return [part for one in document for part in parts(one)]
    if isinstance(document, dict):
        return [document, *(part for one in document.values() for part in parts(one))]
    return []


def test_operation_ids_are_names_of_functions() -> None:
    names = [operation["operationId"] for operation in OPERATIONS]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name)] == []


def test_optional_body_is_not_nullable_as_well() -> None:
    bodies = [operation["requestBody"] for operation in OPERATIONS if "requestBody" in operation]
    schemas = [content["schema"] for body in bodies for content in body["content"].values()]
    assert bodies
    assert [schema for schema in schemas if NULL in schema.get("anyOf", [])] == []


def test_operation_for_admins_does_not_accept_the_key_of_a_robot() -> None:
    accepted = {operation["operationId"]: operation.get("security", []) for operation in OPERATIONS}
    for name in ("drain_robot", "cancel_job", "create_key", "pause_queue"):
        assert {"RobotKey": []} not in accepted[name]
    assert {"RobotKey": []} in accepted["get_job"]


def test_openapi_names_its_server() -> None:
    assert OPENAPI["servers"][0]["url"] == "/"


@pytest.mark.parametrize("document", [DOCUMENT, OPENAPI], ids=["asyncapi", "openapi"])
def test_nullable_value_has_no_anonymous_type(document: dict[str, Any]) -> None:
    unions = [part["anyOf"] for part in parts(document) if NULL in part.get("anyOf", [])]
    assert [forms for forms in unions if len(forms) == 2 and not {"$ref", "format"} & forms[0].keys()] == []


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_frame_has_a_name(name: str) -> None:
    frame = MESSAGES[name]["payload"]
    assert frame.get("title", "") == f"{name}Frame" or frame["$ref"].endswith(f"/{name}")


def generated(folder: Path, language: str, file: str, *options: str) -> Path:
    """The types of all messages that have an example, in a language."""
    for name in sorted(MESSAGES):
        schema = {"$schema": "http://json-schema.org/draft-07/schema#", **inlined(MESSAGES[name]["payload"])}
        text = json.dumps({**schema, "title": f"{name}Frame"})
        # Instants stay strings: the date type that quicktype chooses needs a module that Debian does not package.
        (folder / f"{name}.schema").write_text(text.replace('"format": "date-time"', '"format": "text"'))
    sources = [str(folder / f"{name}.schema") for name in sorted(MESSAGES)]
    target = folder / file
    command = [str(QUICKTYPE), "--src-lang", "schema", "--lang", language, *options, "-o", str(target), *sources]
    subprocess.run(command, check=True, capture_output=True, timeout=110, cwd=folder)
    return target


def examples(folder: Path) -> list[Path]:
    """A file for each example, named after its message."""
    files = []
    for name, message in MESSAGES.items():
        for example in message.get("examples", []):
            files.append(folder / f"{name}.json")
            files[-1].write_text(json.dumps(example["payload"]))
    return files


def matching(names: list[str], message: str) -> str:
    """The generated name of a message. Generators write an acronym such as `Ack` in capitals."""
    (found,) = [name for name in names if name.lower() == f"{message}Frame".lower()]
    return found


def run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


GO = """package main
import ("fmt"; "os"; "path/filepath"; "strings")
func main() {
  for _, file := range os.Args[1:] {
    text, err := os.ReadFile(file)
    switch strings.TrimSuffix(filepath.Base(file), ".json") {
    %s
    default: err = fmt.Errorf("no generated type")
    }
    if err != nil { fmt.Println(file, err); os.Exit(1) }
  }
}
"""
JAVA = """import com.fasterxml.jackson.databind.*;
public class Main {
  public static void main(String[] arguments) throws Exception {
    var mapper = new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
    %s
  }
}
"""


@pytest.mark.long
@pytest.mark.slow
def test_generated_go_decodes_every_example(tmp_path: Path) -> None:
    source = generated(tmp_path, "go", "messages.go", "--package", "main").read_text(encoding="utf-8")
    files, names = examples(tmp_path), re.findall(r"func Unmarshal(\w+)\(", source)
    cases = [f'case "{file.stem}": _, err = Unmarshal{matching(names, file.stem)}(text)' for file in files]
    (tmp_path / "main.go").write_text(GO % "\n    ".join(cases))
    run(["go", "run", "main.go", "messages.go", *map(str, files)], tmp_path)
    assert re.findall(r"type (\w*(?:Schema|Anonymous)\w*) ", source) == []


@pytest.mark.long
@pytest.mark.slow
def test_generated_java_decodes_every_example(tmp_path: Path) -> None:
    generated(tmp_path, "java", "Converter.java", "--package", "messages").unlink()
    sources = sorted(tmp_path.glob("*.java"))
    files, names = examples(tmp_path), [source.stem for source in sources]
    reads = [f'mapper.readValue(new java.io.File("{f}"), messages.{matching(names, f.stem)}.class);' for f in files]
    (tmp_path / "Main.java").write_text(JAVA % "\n    ".join(reads))
    path = ":".join(["classes", *JACKSON])
    run(["javac", "-d", "classes", "-cp", path, "Main.java", *map(str, sources)], tmp_path)
    run(["java", "-cp", path, "Main"], tmp_path)
    assert [name for name in names if re.search(r"Schema|Anonymous", name)] == []
