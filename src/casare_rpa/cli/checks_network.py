"""The checks of `casare doctor` on the network: port, orchestrator, clock, proxy, WebSocket upgrade.

Each check takes its facts as arguments, so that a test can describe any network. `probe_http` and `probe_websocket`
collect them.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from casare_rpa.cli.check import Check, ok, problem, warning
from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed
from casare_rpa.domain.limits import MAX_REASON_LENGTH
from casare_rpa.domain.printable import one_line
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.addresses import Address, certificate_failure

ASK_SECONDS = 5.0
SKEW_WARNING_SECONDS = 5.0
SKEW_PROBLEM_SECONDS = 300.0
STEP_SECONDS = 1.0
NOT_BEFORE = datetime.fromisoformat("2026-01-01T00:00:00Z").timestamp()
"""This program is newer than that, so a clock that shows an earlier time is wrong (often an empty battery)."""
PROBE_ROBOT = "casare-doctor"


@dataclass(frozen=True, slots=True)
class Answer:
    """Response to /health/ready. `is_ours`: the body has the form of an orchestrator's.

    `ahead_seconds` is how far the peer's clock is ahead of this one; `None` without a Date header. `reason` says why
    the orchestrator is not ready, or works with limits.
    """

    status: int
    is_ours: bool
    ahead_seconds: float | None
    reason: str | None = None


def probe_http(address: Address) -> Answer | None:
    """Request /health/ready of an address; `None` when there is no HTTP response.

    Raises:
        ConnectFailed: the certificate is not valid.
    """
    before = time.time()
    try:
        with httpx2.Client(
            timeout=ASK_SECONDS, verify=address.ssl_context(), trust_env=not address.is_loopback
        ) as http:
            response = http.get(f"{address.http}/health/ready")
    except httpx2.HTTPError as error:
        if certificate := certificate_failure(error, address.shown):
            raise ConnectFailed(certificate, retryable=False) from None
        return None
    ahead = _ahead(response.headers.get("date"), (before + time.time()) / 2)
    try:
        body = response.json()
    except ValueError:
        body = None
    # Two forms: {"status": "ok"}, and the error of an orchestrator that is not ready.
    is_ours = isinstance(body, dict) and ("status" in body or "payload" in body)
    return Answer(response.status_code, is_ours, ahead, _reason(body) if is_ours else None)


def _reason(body: dict[str, Any]) -> str | None:
    """Why the orchestrator is degraded or not ready, in its own words."""
    payload = body.get("payload")
    text = payload.get("message") if isinstance(payload, dict) else body.get("reason")
    return f"{one_line(text)[:MAX_REASON_LENGTH].rstrip('.')}." if isinstance(text, str) and text else None


def _ahead(date: str | None, here: float) -> float | None:
    """Difference of the clocks. The header has whole seconds; half a second is the expected rounding error."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() + 0.5 - here
    except ValueError:
        return None


def orchestrator(address: Address, answer: Answer | None, *, named: bool) -> Check:
    """Whether an orchestrator answers. `named`: the address was given explicitly, not guessed."""
    name = "orchestrator"
    if answer is None and named:
        return warning(name, f"No orchestrator answers at {address.shown}.", "Start it, or correct the address.")
    if answer is None:
        return ok(name, f"No orchestrator answers at {address.shown}.", "To start one here: casare up")
    if not answer.is_ours:
        sentence = f"{address.shown} answered {answer.status}, but it is not an orchestrator."
        return problem(name, sentence, "Correct --url or CASARE_URL, or check the proxy at that address.")
    if answer.status != 200:
        because = f": {answer.reason}" if answer.reason else "."
        step = "See the log of casare serve for the reason."
        return problem(name, f"{address.shown} answers, but it is not ready{because}", step)
    if answer.reason is not None:
        step = "Requests that need the part get 503 until it works again."
        return warning(name, f"{address.shown} is ready, but degraded: {answer.reason}", step)
    return ok(name, f"{address.shown} is ready.")


def port(number: int, why_taken: str | None, there: Answer | None, *, needed: bool) -> Check:
    """Whether an orchestrator could listen on the port. `there`: the answer on it; `needed`: one can run here."""
    if why_taken is None:
        return ok("port", f"Port {number} is free.")
    if there is not None and there.is_ours:
        return ok("port", f"An orchestrator listens on port {number}.")
    if not needed:
        return ok("port", f"Port {number} is in use; this machine cannot run an orchestrator anyway.")
    return problem("port", f"Port {number} is not available: {why_taken}.", "Choose another: --port or CASARE_PORT.")


def clock(answer: Answer | None, shown: str) -> Check:
    """The difference between the orchestrator's clock and this one."""
    if answer is None:
        return ok("clock", f"Skipped: no orchestrator answers at {shown}.")
    if answer.ahead_seconds is None:
        return ok("clock", f"Skipped: {shown} sends no Date header.")
    apart = abs(answer.ahead_seconds)
    direction = "behind" if answer.ahead_seconds > 0 else "ahead of"
    if apart <= SKEW_WARNING_SECONDS:
        return ok("clock", "This clock and the orchestrator's agree.")
    sentence = f"This clock is {apart:.0f} s {direction} the orchestrator's."
    make = problem if apart > SKEW_PROBLEM_SECONDS else warning
    return make("clock", sentence, "Synchronise both machines with NTP; until then, times in logs are wrong.")


def wall_clock(now: float, wall_seconds: float, monotonic_seconds: float) -> Check:
    """Whether the wall clock is plausible: `now` in Unix seconds, and one interval measured with both clocks."""
    name = "wall clock"
    if now < NOT_BEFORE:
        return problem(
            name, f"This clock shows the year {time.gmtime(now).tm_year}.", "Set it, and synchronise it with NTP."
        )
    if abs(wall_seconds - monotonic_seconds) > STEP_SECONDS:
        jump = wall_seconds - monotonic_seconds
        return warning(
            name, f"It jumped by {jump:+.1f} s during the check.", "Find out which program sets it besides NTP."
        )
    return ok(name, "It runs steadily.")


def encryption(address: Address, *, allowed: bool) -> Check:
    """Whether secrets cross a network in clear text. `allowed`: CASARE_ALLOW_CLEARTEXT is `yes`."""
    name = "encryption"
    if address.secure:
        return ok(name, f"Connections to {address.shown} are encrypted.")
    if address.is_loopback:
        return ok(name, "Connections stay on this machine.")
    sentence = f"Secrets for {address.shown} would cross the network in clear text"
    if allowed:
        return warning(name, f"{sentence}; CASARE_ALLOW_CLEARTEXT permits it.", "Use https:// behind a TLS proxy.")
    return problem(
        name,
        f"{sentence}, so no command sends one.",
        "Use https://, or set CASARE_ALLOW_CLEARTEXT=yes when the network itself is protected.",
    )


def addresses_of(host: str) -> list[str]:
    """The IP addresses of a host by the resolver of this machine; none for an unknown name."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None)})
    except OSError:
        return []


def instance_address(url: str, addresses: Sequence[str]) -> Check:
    """Whether instances on other machines can ask this one. `addresses` are those of the host in the URL."""
    name = "instance address"
    if any(not ipaddress.ip_address(one).is_loopback for one in addresses):
        return ok(name, f"Other instances ask this one at {url}.")
    leads = f"leads to {', '.join(addresses)}" if addresses else "has no address"
    return warning(
        name,
        f"The host in {url} {leads} on this machine, so instances on other machines may not be able to ask this one.",
        "Set CASARE_INSTANCE_ADDRESS to an address that they reach, such as http://10.0.0.5:8000, unless all run here.",
    )


def proxy(address: Address, environment: Mapping[str, str]) -> Check:
    """Whether an environment variable sends requests for the orchestrator to a proxy."""
    name = "proxy"
    if address.is_loopback:
        return ok(name, "No proxy is used for this machine itself.")
    lower = {key.lower(): (key, value) for key, value in environment.items() if value}
    wanted = ("https_proxy", "all_proxy") if address.secure else ("http_proxy", "all_proxy")
    catching = next((lower[key] for key in wanted if key in lower), None)
    if catching is None:
        return ok(name, f"No variable names a proxy for {address.host}.")
    if _exempt(address.host, lower.get("no_proxy", ("", ""))[1]):
        return ok(name, f"{catching[0]} is set; NO_PROXY exempts {address.host}.")
    return warning(
        name,
        f"{catching[0]} sends requests for {address.host} to the proxy at {_place(catching[1])}.",
        f"If that is not intended: NO_PROXY={address.host}",
    )


def _exempt(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY contains the host, one of its parent domains, or `*`."""
    entries = [entry.strip().partition(":")[0].lstrip(".").lower() for entry in no_proxy.split(",")]
    return any(entry in ("*", host) or (entry and host.endswith(f".{entry}")) for entry in entries)


def _place(url: str) -> str:
    """Host and port of a proxy, without user and password."""
    return urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2] or "an invalid address"


def probe_websocket(address: Address) -> CasareError | None:
    """The error of a connection attempt with a wrong key; `None` when it was accepted."""
    from casare_rpa.infrastructure.orchestrator.communication.robot.connection import open_connection
    from casare_rpa.infrastructure.orchestrator.communication.secret import Secret

    async def connect() -> None:
        await open_connection(address, PROBE_ROBOT, Secret("not-a-key"), None)

    try:
        asyncio.run(connect())
    except CasareError as refusal:
        return refusal
    return None


def websocket(refusal: CasareError | None, shown: str) -> Check:
    """Whether WebSockets reach the orchestrator: the refusal of a wrong key must be the one of the contract."""
    name = "websocket"
    if isinstance(refusal, AuthError) and refusal.close_code is CloseCode.AUTH_FAILED:
        return ok(name, f"{shown} accepts WebSockets, and refuses a wrong key as expected (4001).")
    if refusal is None:
        return problem(
            name, f"{shown} accepted a robot with a wrong key.", "It is not an orchestrator: check the address."
        )
    if isinstance(refusal, AuthError) and refusal.close_code is CloseCode.ADDRESS_REFUSED:
        sentence = f"The orchestrator refuses the host name in {shown}: {refusal}."
        return problem(name, sentence, "Set CASARE_ALLOWED_HOSTS where the orchestrator runs, or use its IP address.")
    if isinstance(refusal, AuthError):
        closed = int(refusal.close_code)
        return warning(name, f"{shown} refused a wrong key with {closed} instead of 4001.", "See its log.")
    return problem(
        name,
        f"A WebSocket cannot be opened: {refusal}.",
        "Configure the proxy to forward the headers Upgrade and Connection over HTTP/1.1.",
    )
