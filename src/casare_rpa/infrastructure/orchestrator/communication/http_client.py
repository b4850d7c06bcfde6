"""OrchestratorHttpClient: the HTTP interface, used by the command line and by scripts."""

import json as json_format
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx2

from casare_rpa.domain.errors import AuthError, ConnectFailed, Rejected
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.communication.addresses import (
    START_HINT,
    certificate_failure,
    parse_address,
)

T = TypeVar("T")
Document = dict[str, Any]

RETRY_DELAYS_SECONDS: Final = (0.1, 0.4)


class OrchestratorHttpClient:
    """Methods return the decoded JSON body of the response.

    Every method may raise:
        Rejected: the orchestrator refused the request; carries its sentence, code and HTTP status.
        ConnectFailed: no answer arrived; the sentence says what to do. A GET and a request with an `idempotency_key`
            were tried three times. Any other request may or may not have taken effect.

    Safe for use by several threads. Secrets appear in no repr and no error. Source: docs/reference/http.md.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_secret: str | None = None,
        api_key: str | None = None,
        token: str | None = None,
        timeout_seconds: float = 10,
    ) -> None:
        """`api_secret` is the admin secret, `api_key` a robot's key, `token` a JWT from `login`.

        Raises:
            ConnectFailed: the URL is not valid.
            AuthError: a credential is empty or contains invalid characters.
        """
        address = parse_address(base_url)
        self.base_url = address.http
        self.shown_url = self._shown = address.shown
        headers = {"Accept": "application/json"}
        for name, value, prefix in (
            ("X-API-Secret", api_secret, ""),
            ("X-API-Key", api_key, ""),
            ("Authorization", token, "Bearer "),
        ):
            if value is not None:
                headers[name] = prefix + _checked(name, value)
        self._http = httpx2.Client(
            base_url=self.base_url,
            headers=headers,
            timeout=timeout_seconds,
            verify=address.ssl_context(),
            trust_env=not address.is_loopback,
        )
        # Many scripts do not close the client; without the finalizer, Python would report a leaked socket.
        self._finalizer = weakref.finalize(self, self._http.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._finalizer()

    # Jobs

    def submit_job(self, job: Mapping[str, Any], *, idempotency_key: str | None = None) -> Document:
        """Submit a job; it is durable on return. `job` is `{workflow_id, parameters?, priority?, …}`."""
        return self._create("/api/v1/jobs", dict(job), idempotency_key)

    def submit_jobs(self, jobs: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> Document:
        """Submit several jobs atomically; `{items}` in the order given. If one is refused, none is created."""
        return self._create("/api/v1/jobs/batch", {"jobs": [dict(job) for job in jobs]}, idempotency_key)

    def list_jobs(
        self,
        *,
        status: str | None = None,
        robot_id: str | None = None,
        workflow_id: str | None = None,
        tenant_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Document:
        """One page, newest first: `{items, next_cursor}`; `next_cursor` is null on the last page."""
        return self._get(
            "/api/v1/jobs",
            status=status,
            robot_id=robot_id,
            workflow_id=workflow_id,
            tenant_id=tenant_id,
            limit=limit,
            cursor=cursor,
        )

    def export_jobs(self, **filters: str | None) -> Iterator[str]:
        """All matching jobs as CSV, in parts as they arrive; the filters are those of `list_jobs`."""
        return self.stream_text("/api/v1/jobs/export", filters)

    def list_changes(self, since: str, *, tenant_id: str | None = None, limit: int | None = None) -> Document:
        """Changes of jobs after a position, in order: `{items, next, more}`. Store `next`, the position after them."""
        return self._get("/api/v1/events", since=since, tenant_id=tenant_id, limit=limit)

    def stream_text(
        self, path: str, query: Mapping[str, str | None], *, accept: str = "*/*", silent_seconds: float | None = None
    ) -> Iterator[str]:
        """The body of a GET in parts as they arrive. `silent_seconds`: the longest wait for a part."""
        timeout, chosen = httpx2.Timeout(self._http.timeout), _given(**query)
        timeout.read = silent_seconds or timeout.read
        request = self._http.build_request("GET", path, params=chosen, headers={"Accept": accept}, timeout=timeout)
        response = self._received(lambda: self._http.send(request, stream=True))
        try:
            if not response.is_success:
                self._received(response.read)
                raise self._rejection(response)
            parts = response.iter_text()
            while part := self._received(lambda: next(parts, "")):
                yield part
        finally:
            response.close()

    def iter_jobs(self, *, limit: int | None = None, **filters: str | None) -> Iterator[Document]:
        """All matching jobs, newest first, fetched page by page; `limit` is the page size."""
        cursor: str | None = None
        while True:
            page = self.list_jobs(limit=limit, cursor=cursor, **filters)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_job(self, job_id: str) -> Document:
        """The current state of a job."""
        return self._get(f"/api/v1/jobs/{_segment(job_id)}")

    def cancel_job(self, job_id: str, reason: str | None = None) -> Document:
        """Cancel a job and return it. A waiting job ends at once, a running one when its robot confirms."""
        body = {} if reason is None else {"reason": reason}
        return self._send("POST", f"/api/v1/jobs/{_segment(job_id)}/cancel", json=body)

    def retry_job(self, job_id: str, *, idempotency_key: str | None = None) -> Document:
        """Submit a copy of an ended job; the copy's `retry_of` holds this id."""
        return self._create(f"/api/v1/jobs/{_segment(job_id)}/retry", None, idempotency_key)

    def job_logs(self, job_id: str, *, cursor: str | None = None, limit: int | None = None) -> Document:
        """Log lines after `cursor`, oldest first: `{items, next_cursor}`. Continue from `next_cursor` at any time."""
        return self._get(f"/api/v1/jobs/{_segment(job_id)}/logs", cursor=cursor, limit=limit)

    def job_events(self, job_id: str, *, cursor: str | None = None, limit: int | None = None) -> Document:
        """The history of a job after `cursor`, oldest first: `{items, next_cursor}`, 500 entries without `limit`."""
        return self._get(f"/api/v1/jobs/{_segment(job_id)}/events", cursor=cursor, limit=limit)

    def job_steps(self, job_id: str, *, attempt: int | None = None, after: int | None = None) -> Document:
        """The steps of an attempt, by default of the current one: `{attempt, items, total, revision}`.

        With `after`, a `revision`: only the steps that changed since.
        """
        return self._get(f"/api/v1/jobs/{_segment(job_id)}/steps", attempt=attempt, after=after)

    def job_comparison(self, job_id: str, other_id: str | None = None) -> Document:
        """The differences from another job, by default the last good run: `{run, other, differences}`."""
        return self._get(f"/api/v1/jobs/{_segment(job_id)}/comparison", **{"with": other_id})

    def search_logs(
        self,
        *,
        robot_id: str | None = None,
        job_id: str | None = None,
        tenant_id: str | None = None,
        min_level: str | None = None,
        q: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        order: str | None = None,
        around: int | None = None,
    ) -> Document:
        """Log lines of all jobs and robots: `{items, next_cursor, scanned_to, previous_cursor}`.

        Newest first, or oldest first if `order` is `asc`. `around` is the `log_id` of a line in the middle of the page.

        `since` and `until` are RFC 3339 timestamps. A page may be short or empty without being the last; continue
        until `next_cursor` is null.
        """
        return self._get(
            "/api/v1/logs",
            robot_id=robot_id,
            job_id=job_id,
            tenant_id=tenant_id,
            min_level=min_level,
            q=q,
            **{"from": since, "to": until},
            limit=limit,
            cursor=cursor,
            order=order,
            around=around,
        )

    # Robots

    def create_robot(self, robot: Mapping[str, Any]) -> Document:
        """Create a robot; Rejected with status 409 when it exists. `robot` is `{robot_id, name?, tags?, …}`."""
        return self._send("POST", "/api/v1/robots", json=dict(robot))

    def list_robots(
        self,
        *,
        tenant_id: str | None = None,
        state: Sequence[str] = (),
        tag: Sequence[str] = (),
        q: str | None = None,
    ) -> Document:
        """The robots visible to the credential that match all filters: `{items}`.

        `state`: any of idle, busy, draining and offline. `tag`: all of these. `q`: part of the id, name or a tag.
        """
        return self._get("/api/v1/robots", tenant_id=tenant_id, state=list(state), tag=list(tag), q=q)

    def get_robot(self, robot_id: str) -> Document:
        """The current state of a robot."""
        return self._get(f"/api/v1/robots/{_segment(robot_id)}")

    def change_robot(self, robot_id: str, changes: Mapping[str, Any]) -> Document:
        """Store another `name`, other `tags` (or `add_tags`, `remove_tags`) or another `max_concurrent_jobs`.

        Returns the robot.
        """
        return self._send("PATCH", f"/api/v1/robots/{_segment(robot_id)}", json=dict(changes))

    def remove_robot(self, robot_id: str) -> None:
        self._send("DELETE", f"/api/v1/robots/{_segment(robot_id)}")

    def order_robot(self, robot_id: str, order: str, reason: str = "") -> Document:
        """Send an order (`drain`, `resume` or `restart`) to a robot and return the robot."""
        return self._send("POST", f"/api/v1/robots/{_segment(robot_id)}/{order}", json={"reason": reason})

    def order_robots(self, robot_ids: Sequence[str], order: str, reason: str = "") -> Document:
        """Send an order to up to 1,000 robots: `{matched, robot_ids, unchanged, refused}`. May be repeated."""
        return self._send(
            "POST", "/api/v1/robots/bulk", json={"action": order, "robot_ids": list(robot_ids), "reason": reason}
        )

    # Instances and queues

    def list_instances(self) -> Document:
        """The instances of the server: `{at, items}`."""
        return self._get("/api/v1/instances")

    def list_queues(self) -> Document:
        """All queues: `{items, all_paused}`."""
        return self._get("/api/v1/queues")

    def create_queue(self, queue: str) -> Document:
        """Create a queue; Rejected with status 409 when it exists."""
        return self._send("POST", "/api/v1/queues", json={"queue": queue})

    def order_queue(self, queue: str, order: str, reason: str = "") -> Document:
        """Pause or resume a queue (`*` = every queue) and return all queues."""
        return self._send("POST", f"/api/v1/queues/{_segment(queue)}/{order}", json={"reason": reason})

    # Workflows

    def list_workflows(self) -> Document:
        """The workflows that have had a job, each with the parameters of its newest one: `{items}`."""
        return self._get("/api/v1/workflows")

    # Failures

    def list_failures(self, *, minutes: int, muted: bool | None = None) -> Document:
        """Groups of the failures of the last minutes: `{items, scanned, capped, …}`."""
        return self._get("/api/v1/failures", minutes=minutes, muted=muted)

    def get_failures(self, fingerprint: str, *, minutes: int, tenant_id: str | None = None) -> Document:
        """One group of failures; Rejected with status 404 when none has the fingerprint."""
        return self._get(f"/api/v1/failures/{_segment(fingerprint)}", minutes=minutes, tenant_id=tenant_id)

    def note_failures(self, fingerprint: str, body: Document, *, tenant_id: str | None = None) -> Document:
        """Store `note` or `owner` of a group and return it."""
        path = f"/api/v1/failures/{_segment(fingerprint)}"
        return self._send("PATCH", path, json=body, params=_given(tenant_id=tenant_id))

    def order_failures(self, fingerprint: str, order: str, body: Document, *, tenant_id: str | None = None) -> Document:
        """Mute or unmute a group and return it."""
        path = f"/api/v1/failures/{_segment(fingerprint)}/{order}"
        return self._send("POST", path, json=body, params=_given(tenant_id=tenant_id))

    def order_jobs(self, body: Document) -> Document:
        """Cancel or retry many jobs: `{matched, done, refused, more, at}`."""
        return self._send("POST", "/api/v1/jobs/bulk", json=body)

    # Presets

    def list_presets(self, workflow_id: str, tenant_id: str | None = None) -> Document:
        """The presets of a workflow: `{items}`."""
        return self._get("/api/v1/presets", workflow_id=workflow_id, tenant_id=tenant_id)

    def save_preset(self, body: Document) -> Document:
        """Store a preset, or replace the one with its name, and return it."""
        return self._send("PUT", "/api/v1/presets", json=body)

    def delete_preset(self, workflow_id: str, name: str, tenant_id: str | None = None) -> None:
        """Delete a preset; Rejected with status 404 when there is none."""
        named = _given(workflow_id=workflow_id, name=name, tenant_id=tenant_id)
        self._send("DELETE", "/api/v1/presets", params=named)

    # Keys

    def create_key(self, robot_id: str, *, idempotency_key: str | None = None) -> Document:
        """Create a key: `{key_id, api_key}`. The key cannot be read again later."""
        return self._create(f"/api/v1/robots/{_segment(robot_id)}/keys", None, idempotency_key)

    def list_keys(self, robot_id: str) -> Document:
        """Keys of a robot, without the secrets: `{items}`."""
        return self._get(f"/api/v1/robots/{_segment(robot_id)}/keys")

    def revoke_key(self, robot_id: str, key_id: str) -> None:
        """Revoke a key and close the connections that it opened."""
        self._send("DELETE", f"/api/v1/robots/{_segment(robot_id)}/keys/{_segment(key_id)}")

    # Tenants, login, health

    def create_tenant(self, tenant_id: str, name: str) -> Document:
        """Create a tenant; Rejected with status 409 when it exists."""
        return self._send("POST", "/api/v1/tenants", json={"tenant_id": tenant_id, "name": name})

    def login(self, username: str, password: str) -> Document:
        """A token: `{access_token, token_type, expires_in}`, `expires_in` in seconds. Does not change this client."""
        return self._send("POST", "/api/v1/auth/login", json={"username": username, "password": password})

    def create_link(self) -> Document:
        """A code for one sign-in of a browser: `{code, expires_at}`."""
        return self._send("POST", "/api/v1/auth/links")

    def list_sessions(self) -> Document:
        """The sign-ins that have not ended."""
        return self._get("/api/v1/sessions")

    def end_session(self, session_id: str) -> None:
        self._send("DELETE", f"/api/v1/sessions/{_segment(session_id)}")

    def create_view_link(self, name: str, life_days: int, *, idempotency_key: str | None = None) -> Document:
        """An address that signs browsers in for reading only: `{link_id, name, code, created_at, expires_at}`."""
        return self._create("/api/v1/view-links", {"name": name, "life_days": life_days}, idempotency_key)

    def list_view_links(self) -> Document:
        """The view links that are neither revoked nor expired, without their codes."""
        return self._get("/api/v1/view-links")

    def revoke_view_link(self, link_id: str) -> None:
        """Revoke a view link and close the connections of its screens."""
        self._send("DELETE", f"/api/v1/view-links/{_segment(link_id)}")

    def health(self) -> Document:
        """`{status: "ok"}` when the orchestrator is ready; Rejected with status 503 when it is not."""
        return self._send("GET", "/health/ready")

    # Requests

    def _get(self, path: str, **parameters: str | int | list[str] | None) -> Document:
        return _repeated(lambda: self._send("GET", path, params=_given(**parameters)))

    def _create(self, path: str, body: Document | None, idempotency_key: str | None) -> Document:
        """A POST that creates objects. With a key it is repeated as a GET is: the objects are created once."""
        if idempotency_key is None:
            return self._send("POST", path, json=body)
        headers = {"Idempotency-Key": idempotency_key}
        return _repeated(lambda: self._send("POST", path, json=body, headers=headers))

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        json: Document | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Document:
        content = None if json is None else encode_body(json)
        sent = {**(headers or {}), **({} if content is None else {"Content-Type": "application/json"})}
        response = self._received(
            lambda: self._http.request(method, path, params=params, content=content, headers=sent)
        )
        if not response.is_success:
            raise self._rejection(response)
        if not response.content:
            return {}
        document = _json(response)
        if document is None:
            raise ConnectFailed(f"{self._shown} is not an orchestrator: its response is not JSON", retryable=False)
        return document

    def _received(self, receive: Callable[[], T]) -> T:
        """The result of a call of the HTTP library, which must not be `None`. Raises ConnectFailed."""
        received, failure, retryable = None, "", True
        try:
            received = receive()
        except httpx2.ConnectError as error:
            certificate = certificate_failure(error, self._shown)
            failure = certificate or f"cannot reach the orchestrator at {self._shown}: {error}; {START_HINT}"
            retryable = certificate is None
        except httpx2.TimeoutException:
            failure = f"the orchestrator at {self._shown} did not answer in time; check whether it is overloaded"
        except httpx2.HTTPError as error:
            failure = f"the connection to the orchestrator at {self._shown} broke: {str(error) or type(error).__name__}"
        if received is None:
            # Raised outside the handlers: as the context of this error, the request would carry the secrets.
            raise ConnectFailed(failure, retryable=retryable)
        return received

    def _rejection(self, response: httpx2.Response) -> Rejected:
        payload = (_json(response) or {}).get("payload")
        if isinstance(payload, dict) and "message" in payload:
            return Rejected(
                str(payload["message"]), str(payload.get("code", _code(response.status_code))), response.status_code
            )
        return Rejected(
            f"{self._shown} answered {response.status_code} {response.reason_phrase}; is it an orchestrator?",
            _code(response.status_code),
            response.status_code,
        )


def encode_body(document: Mapping[str, Any]) -> bytes:
    """The JSON of a request. Lone surrogates, as in an argument with invalid bytes, are sent as escapes."""
    try:
        return json_format.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json_format.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _repeated(send: Callable[[], Document]) -> Document:
    """The answer to an idempotent request, repeated when no answer arrives or the store is unavailable."""
    for delay in RETRY_DELAYS_SECONDS:
        try:
            return send()
        except ConnectFailed as error:
            if not error.retryable:
                raise
        except Rejected as error:
            if error.status != 503:
                raise
        time.sleep(delay)
    return send()


def _given(**parameters: str | int | list[str] | None) -> dict[str, str | int | list[str]]:
    """The parameters of a query that have a value."""
    return {name: value for name, value in parameters.items() if value is not None}


def _segment(text: str) -> str:
    return quote(text, safe="")


def _checked(name: str, secret: str) -> str:
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise AuthError(f"the credential for {name} is empty or contains spaces, line ends or other invalid characters")
    return secret


def _json(response: httpx2.Response) -> Document | None:
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _code(status: int) -> str:
    """The error code for a response without one, such as that of a proxy."""
    if status in (401, 403):
        return ErrorCode.AUTH_FAILED
    if status == 429:
        return ErrorCode.RATE_LIMITED
    return ErrorCode.INVALID_MESSAGE if status < 500 else ErrorCode.INTERNAL_ERROR
