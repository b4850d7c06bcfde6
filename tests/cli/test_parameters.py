"""Parameters from the command line: text stays text, JSON is JSON, and files may come from Windows."""

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from casare_rpa.cli.batch import BATCH_BYTES, batches, body_bytes
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.parameters import read_parameters
from casare_rpa.infrastructure.orchestrator.api.guard import MAX_BODY_BYTES
from cli.fake_orchestrator import Request, answering
from cli.running import casare, done, error

TEXTS = [
    "77950e8",
    "1.10",
    "007",
    "1e400",
    "NaN",
    "true",
    "null",
    "",
    "[1",
    '{"a": 1}',
    "a=b",
    "9007199254740993",
    "==",
]


@pytest.mark.parametrize("text", TEXTS)
def test_value_is_text_as_it_is_written(text: str) -> None:
    assert read_parameters([f"x={text}"], None) == {"x": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("1.10", 1.1), ("true", True), ("null", None), ('"a"', "a"), ("[1, {}]", [1, {}]), (str(2**63), 2**63)],
)
def test_value_after_a_colon_is_json(text: str, value: Any) -> None:
    assert read_parameters([f"x:={text}"], None) == {"x": value}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "", "{", "Ada", "[" * 100_000])
def test_invalid_json_is_refused(text: str) -> None:
    for pairs, parameters in (([f"x:={text}"], None), ([], f'{{"x": {text}}}')):
        with pytest.raises(typer.BadParameter, match="is not JSON"):
            read_parameters(pairs, parameters)


def test_single_value_replaces_that_of_the_object() -> None:
    assert read_parameters(["a=2", "b:=3"], '{"a": 1, "c": 4}') == {"a": "2", "b": 3, "c": 4}


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_parameters_are_read_from_a_file_and_from_stdin(tmp_path: Path, mark: bytes) -> None:
    file = tmp_path / "parameters.json"
    file.write_bytes(mark + '{"name": "Zoë"}'.encode())
    assert read_parameters([], f"@{file}") == {"name": "Zoë"}
    with answering(lambda request: (201, {"job_id": "job-1"})) as fake:
        done(casare("job", "submit", "w", "--parameters", "-", url=fake.url, stdin='{"big": "' + "x" * 200_000 + '"}'))
    assert len(fake.asked[0].body["parameters"]["big"]) == 200_000


def test_unreadable_files_are_refused_with_their_name(tmp_path: Path) -> None:
    file = tmp_path / "utf16.json"
    file.write_bytes('{"a": 1}'.encode("utf-16"))
    with pytest.raises(typer.BadParameter, match=r"utf16\.json is UTF-16 text"):
        read_parameters([], f"@{file}")
    with pytest.raises(typer.BadParameter, match="cannot be read: No such file"):
        read_parameters([], f"@{tmp_path / 'none'}")


@pytest.mark.slow
def test_argument_with_invalid_bytes_is_sent(tmp_path: Path) -> None:
    with answering(lambda request: (201, {"job_id": "job-1"})) as fake:
        done(casare("job", "submit", "w", "-p", "name=Zo\udceb", url=fake.url))
    assert fake.asked[0].body["parameters"] == {"name": "Zo\udceb"}


@pytest.mark.slow
def test_batch_file_has_a_byte_order_mark_or_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "jobs"
    with answering(lambda request: (201, {"items": [{"job_id": "job-1"}]})) as fake:
        for text in ('[{"workflow_id": "w"}]', '{"workflow_id": "w"}\r\n'):
            file.write_bytes(text.encode("utf-8-sig"))
            assert done(casare("job", "submit-batch", str(file), url=fake.url)) == "job-1\n"
        file.write_bytes(b'{"workflow_id": "w"}'.decode().encode("utf-16"))
        refused = casare("job", "submit-batch", str(file), url=fake.url)
    assert (refused.returncode, "is UTF-16 text" in refused.stderr) == (Exit.USAGE, True)


def large(count: int, size: int) -> list[dict[str, Any]]:
    return [
        {"workflow_id": "w", "parameters": {"number": number, "text": "é" * (size // 2)}} for number in range(count)
    ]


def test_limit_of_a_request_is_that_of_the_orchestrator() -> None:
    assert BATCH_BYTES == MAX_BODY_BYTES


@pytest.mark.parametrize(("count", "size"), [(1_000, 2_000), (5, 240_000), (2_500, 10)])
def test_batches_fit_into_a_request_and_keep_the_order(count: int, size: int) -> None:
    jobs = large(count, size)
    divided = list(batches(jobs))
    assert [job for batch in divided for job in batch] == jobs
    assert all(body_bytes({"jobs": batch}) <= BATCH_BYTES and len(batch) <= 1_000 for batch in divided)
    assert len(divided) <= count * (size + 100) // BATCH_BYTES + 3


@pytest.mark.slow
def test_large_batch_is_sent_in_several_requests(tmp_path: Path) -> None:
    def accept(request: Request) -> tuple[int, Any]:
        assert int(request.headers["content-length"]) <= MAX_BODY_BYTES
        return 201, {"items": [{"job_id": f"job-{job['parameters']['number']}"} for job in request.body["jobs"]]}

    file = tmp_path / "jobs"
    file.write_text(json.dumps(large(5, 240_000)))
    with answering(accept) as fake:
        assert done(casare("job", "submit-batch", str(file), url=fake.url)).split() == [f"job-{n}" for n in range(5)]
    assert len(fake.asked) == 2


@pytest.mark.slow
def test_job_that_no_request_can_carry_is_refused_before_anything_is_sent() -> None:
    text = "\n".join(json.dumps(job) for job in [*large(1, 10), *large(1, 1_100_000)])
    with answering(lambda request: (201, {"items": []})) as fake:
        refused = casare("job", "submit-batch", "-", url=fake.url, stdin=text)
    assert refused.returncode == Exit.USAGE
    assert "line 2 has" in refused.stderr
    assert not fake.asked


@pytest.mark.slow
@pytest.mark.parametrize("command", [["submit", "w"], ["retry", "job-1"]])
def test_unanswered_request_is_repeated_with_the_same_key(command: list[str]) -> None:
    def second_time(request: Request) -> tuple[int, Any]:
        posts = [one for one in fake.asked if one.method == "POST"]
        if len(posts) < 2:
            return 503, {"payload": {"code": "UNAVAILABLE", "message": "the store is busy"}}
        return 201, {"job_id": "job-2"}

    with answering(second_time) as fake:
        assert done(casare("job", *command, url=fake.url)) == "job-2\n"
    first, second = (request.headers["idempotency-key"] for request in fake.asked)
    assert first == second
    assert len(first) == 36


@pytest.mark.slow
@pytest.mark.parametrize("command", [["submit", "w"], ["retry", "job-1"], ["submit-batch", "-"]])
def test_request_without_an_answer_names_the_key_that_makes_repeating_safe(command: list[str]) -> None:
    failed = casare("job", *command, "--json", url="http://127.0.0.1:1", stdin='{"workflow_id": "w"}')
    assert failed.returncode == Exit.UNREACHABLE
    assert "to repeat it without creating anything twice, add --idempotency-key" in error(failed)["message"]
    own = casare("job", *command, "--idempotency-key", "night", url="http://127.0.0.1:1", stdin='{"workflow_id": "w"}')
    assert "--idempotency-key night" in own.stderr
