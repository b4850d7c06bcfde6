"""The checks of `casare doctor` on the way to the orchestrator: port, answer, clock, proxy, WebSocket upgrade.

Each takes the facts that it judges, so that a test can make up any network; `look_at` and `knock` bring them in.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2

from casare_rpa.cli.check import Check, ok, problem, warning
from casare_rpa.domain.errors import AuthError, CasareError
from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.communication.addresses import Address

ASK_SECONDS = 5.0
SKEW_WARNING_SECONDS = 5.0
SKEW_PROBLEM_SECONDS = 300.0
STEP_SECONDS = 1.0
NOT_BEFORE = datetime.fromisoformat("2026-01-01T00:00:00Z").timestamp()
"""A clock that shows less has lost its battery, not its way: this program is younger."""
PROBE_ROBOT = "casare-doctor"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from /health/ready: `status` is HTTP's, `is_ours` that the body looks like an orchestrator's.

    `ahead_seconds` is how far its clock is ahead of ours; `None` when it did not say.
    """

    status: int
    is_ours: bool
    ahead_seconds: float | None


def look_at(address: Address) -> Answer | None:
    """Ask an address who is there; `None` when nobody answers HTTP."""
    before = time.time()
    try:
        with httpx2.Client(timeout=ASK_SECONDS, trust_env=not address.is_loopback) as http:
            response = http.get(f"{address.http}/health/ready")
    except httpx2.HTTPError:
        return None
    ahead = _ahead(response.headers.get("date"), (before + time.time()) / 2)
    try:
        body = response.json()
    except ValueError:
        body = None
    # The contract's two shapes: {"status": "ok"}, and the error of one that is not ready.
    return Answer(response.status_code, isinstance(body, dict) and ("status" in body or "payload" in body), ahead)


def _ahead(date: str | None, here: float) -> float | None:
    """The header counts whole seconds: half of one is the best guess of what it cut off."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() + 0.5 - here
    except ValueError:
        return None


def orchestrator(address: Address, answer: Answer | None, *, named: bool) -> Check:
    """Whether one answers; `named`: somebody said that it is there, else the address is a guess."""
    name = "orchestrator"
    if answer is None and named:
        return warning(name, f"No orchestrator answers at {address.shown}.", "Start it there, or correct the address.")
    if answer is None:
        return ok(name, f"No orchestrator answers at {address.shown}.", "To start one here: casare up")
    if not answer.is_ours:
        sentence = f"{address.shown} answered {answer.status}, but it is not an orchestrator."
        return problem(name, sentence, "Correct --url or CASARE_URL, or look at the proxy that stands there.")
    if answer.status != 200:
        return problem(
            name, f"{address.shown} answers, but it is not ready.", "Look at its log: casare serve says why."
        )
    return ok(name, f"{address.shown} is ready.")


def port(number: int, why_taken: str | None, there: Answer | None, *, needed: bool) -> Check:
    """Whether an orchestrator could listen; `there` is who answers there, `needed` whether one would start here."""
    if why_taken is None:
        return ok("port", f"Port {number} is free.")
    if there is not None and there.is_ours:
        return ok("port", f"An orchestrator listens on port {number}.")
    if not needed:
        return ok("port", f"Port {number} is taken, but no orchestrator runs here.")
    return problem("port", f"Port {number} cannot be had: {why_taken}.", "Choose another: --port or CASARE_PORT.")


def clock(answer: Answer | None, shown: str) -> Check:
    """How far the orchestrator's clock and ours are apart."""
    if answer is None:
        return ok("clock", f"Skipped: no orchestrator answers at {shown}.")
    if answer.ahead_seconds is None:
        return ok("clock", f"Skipped: {shown} does not say what time it is.")
    apart = abs(answer.ahead_seconds)
    direction = "behind" if answer.ahead_seconds > 0 else "ahead of"
    if apart <= SKEW_WARNING_SECONDS:
        return ok("clock", "This clock and the orchestrator's agree.")
    sentence = f"This clock is {apart:.0f} s {direction} the orchestrator's."
    make = problem if apart > SKEW_PROBLEM_SECONDS else warning
    return make("clock", sentence, "Let both machines take the time from NTP; until then times in logs mislead.")


def wall_clock(now: float, wall_seconds: float, monotonic_seconds: float) -> Check:
    """Whether this clock runs: `now` in Unix seconds, and how long the same stretch took by either clock."""
    name = "wall clock"
    if now < NOT_BEFORE:
        return problem(name, f"This clock shows the year {time.gmtime(now).tm_year}.", "Set it, and let NTP keep it.")
    if abs(wall_seconds - monotonic_seconds) > STEP_SECONDS:
        jump = wall_seconds - monotonic_seconds
        return warning(name, f"It was set by {jump:+.1f} s while we looked.", "See what sets it besides NTP.")
    return ok(name, "It runs evenly.")


def proxy(address: Address, environment: Mapping[str, str]) -> Check:
    """Whether a variable leads what is meant for the orchestrator to a proxy."""
    name = "proxy"
    if address.is_loopback:
        return ok(name, "None is used for this machine itself.")
    lower = {key.lower(): (key, value) for key, value in environment.items() if value}
    wanted = ("https_proxy", "all_proxy") if address.secure else ("http_proxy", "all_proxy")
    catching = next((lower[key] for key in wanted if key in lower), None)
    if catching is None:
        return ok(name, f"No variable leads to one for {address.host}.")
    if _exempt(address.host, lower.get("no_proxy", ("", ""))[1]):
        return ok(name, f"{catching[0]} is set; NO_PROXY exempts {address.host}.")
    return warning(
        name,
        f"{catching[0]} leads what is meant for {address.host} to the proxy at {_place(catching[1])}.",
        f"If that proxy should not be there: NO_PROXY={address.host}",
    )


def _exempt(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host, a domain that it belongs to, or everything."""
    entries = [entry.strip().partition(":")[0].lstrip(".").lower() for entry in no_proxy.split(",")]
    return any(entry in ("*", host) or (entry and host.endswith(f".{entry}")) for entry in entries)


def _place(url: str) -> str:
    """Host and port of a proxy, without the password that may stand before them."""
    return urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2] or "an address that is not one"


def knock(address: Address) -> CasareError | None:
    """How a robot with a wrong key is sent away; `None` when it was let in."""
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
    """Whether a WebSocket gets through: a wrong key must be refused in the words of the contract, by nobody else."""
    name = "websocket"
    if isinstance(refusal, AuthError) and refusal.close_code is CloseCode.AUTH_FAILED:
        return ok(name, f"{shown} opens WebSockets, and refuses a wrong key as it should (4001).")
    if refusal is None:
        return problem(name, f"{shown} let a robot in with a wrong key.", "That is no orchestrator: look at it.")
    if isinstance(refusal, AuthError):
        closed = int(refusal.close_code)
        return warning(name, f"{shown} refused a wrong key with {closed} instead of 4001.", "Look at its log.")
    return problem(
        name,
        f"A WebSocket does not get through: {refusal}.",
        "Let the proxy before it pass the headers Upgrade and Connection on, over HTTP/1.1.",
    )
