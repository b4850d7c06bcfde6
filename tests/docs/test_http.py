"""docs/reference/http.md names every route, and its samples have the fields of the responses."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.routing import Route

from casare_rpa.domain import job_request
from casare_rpa.infrastructure.orchestrator.api import change_views, failure_views, job_views, new_jobs
from casare_rpa.infrastructure.orchestrator.api.error_responses import MAX_PROBLEMS, MEANINGS, ErrorBody
from casare_rpa.infrastructure.orchestrator.api.guard import MAX_BODY_BYTES
from casare_rpa.infrastructure.orchestrator.api.routers import (
    audit,
    auth,
    bulk,
    logs,
    overview,
    queues,
    robots,
    runs,
    tenants,
    tickets,
    view_links,
)
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.settings import Settings
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
SAMPLES = dict(re.findall(r"^```json ([\w-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
MODELS: dict[str, type[BaseModel]] = {
    "login": auth.Token,
    "login-session": auth.LoginSessionView,
    "view-link": view_links.NewViewLinkView,
    "ticket": tickets.Ticket,
    "tenant": tenants.TenantView,
    "robot": robots.RobotView,
    "key": robots.NewKey,
    "key-listed": robots.KeyView,
    "queue": queues.QueueView,
    "beat": robots.BeatView,
    "run": runs.RunView,
    "depth": queues.DepthPoint,
    "bulk": bulk.BulkDone,
    "attention": overview.AttentionView,
    "ended": overview.EndedJobs,
    "failures": failure_views.FailureGroupView,
    "audit": audit.AuditView,
    "job": job_views.JobView,
    "change": change_views.ChangeView,
    "log-line": job_views.LogView,
    "event": job_views.EventView,
}


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(Settings(data_dir=tmp_path))


def section(heading: str) -> str:
    return PAGE.partition(f"# {heading}\n")[2].partition("\n#")[0]


def test_every_route_is_named_and_nothing_else(app: FastAPI) -> None:
    named = re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/[^`]*)` \|.*\| (\d+)", section("At a glance"), re.MULTILINE)
    known = [
        (method.upper(), path, next(status for status in operation["responses"] if status.startswith("2")))
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]
    # The requests below /ws are on the page of the contract.
    hidden = [route for route in app.routes if isinstance(route, Route) and not route.include_in_schema]
    hidden = [route for route in hidden if not route.path.lstrip("/").startswith("ws")]
    documents = [("GET", route.path.replace(":page", ""), "200") for route in hidden]
    assert sorted(named) == sorted([*known, *documents])


def test_every_sample_has_a_model() -> None:
    assert set(SAMPLES) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_sample_has_the_fields_of_the_response(name: str) -> None:
    sample = json.loads(SAMPLES[name])
    assert list(sample) == list(MODELS[name].model_fields)
    MODELS[name].model_validate(sample)


def test_error_sample_has_the_form_of_an_error() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    ErrorBody.model_validate_json(text)


def test_every_error_status_is_explained() -> None:
    named = {int(status) for status in re.findall(r"^\| (\d{3}) \|", section("Errors"), re.MULTILINE)}
    assert named == {*MEANINGS, 405}


@pytest.mark.parametrize(
    ("heading", "model"),
    [("Tenants", tenants.NewTenant), ("Robots", robots.NewRobot), ("Submit", new_jobs.NewJob)],
)
def test_every_field_of_a_request_is_explained_with_its_default(heading: str, model: type[BaseModel]) -> None:
    text = section(heading)
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text.partition("\n```sh")[0], re.MULTILINE)
    assert [name for name, _ in rows] == list(model.model_fields)
    for name, default in rows:
        field = model.model_fields[name]
        assert (default == "required") is field.is_required()
        if isinstance(field.default, int):
            assert default == str(field.default)


def test_every_field_of_a_job_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", PAGE))
    assert set(job_views.JobView.model_fields) - explained <= {
        "job_id",
        "created_at",
        "started_at",
        "finished_at",
        "queue",
    }


def test_limits_are_those_of_the_code() -> None:
    assert f"at most {MAX_BODY_BYTES // 1024**2} MiB" in PAGE
    assert f"at most {new_jobs.MAX_PARAMETERS_BYTES // 1024} KiB" in PAGE
    assert f"1 to {job_request.MAX_TIMEOUT_SECONDS}" in PAGE


def test_limits_of_batches_and_searches_are_those_of_the_code() -> None:
    assert f"1 to {new_jobs.MAX_BATCH_JOBS} jobs" in PAGE
    assert f"1 to {logs.MAX_TEXT} characters" in PAGE
    assert f"looks at {StoreLimits().scanned_lines:,} lines" in PAGE
    assert f"the first {MAX_PROBLEMS}" in PAGE


def test_parameters_of_the_search_are_explained_and_no_others(app: FastAPI) -> None:
    known = [parameter["name"] for parameter in app.openapi()["paths"]["/api/v1/logs"]["get"]["parameters"]]
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", section("Logs"), re.MULTILINE)))
    assert sorted(named) == sorted(known)


def test_links_of_the_http_page_have_a_target() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "reference"
    for page in ("http.md", "settings.md", "metrics.md", "schema.md"):
        for target, anchor in re.findall(r"\]\(([\w-]*\.md)?(?:#([\w-]+))?\)", (folder / page).read_text("utf-8")):
            text = (folder / (target or page)).read_text("utf-8")
            headings = {
                re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            }
            assert not anchor or anchor in headings, (page, target, anchor)
