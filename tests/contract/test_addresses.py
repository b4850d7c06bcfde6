"""Every address of the contract accepts only the credentials that the contract names."""

import base64
import json
import time
from urllib.parse import urlencode

import jwt
import pytest

from contract.documents import ADDRESSES, DOCUMENTS, ENDPOINTS, Address, addresses_of
from contract.server_process import ADMIN_SECRET, JWT_SECRET, Account, Server, serving
from contract.stranger import stranger

PARAMETERS = {
    "/ws/robot/{robot_id}": "api_key",
    "/ws/admin": "api_secret",
    "/ws/logs/{robot_id}": "api_secret",
    "/ws/logs": "api_secret",
    "/ws/monitoring/live-jobs": "token",
    "/ws/monitoring/robot-status": "token",
    "/ws/monitoring/queue-metrics": "token",
}
HEADERS = {"api_key": "X-API-Key", "api_secret": "X-API-Secret", "token": "Authorization"}
AUTH_FAILED, EXPIRED, FORBIDDEN, ADDRESS_REFUSED = 4001, 4002, 4003, 4004


def credential(parameter: str, account: Account, token: str) -> str:
    return {"api_key": account.api_key, "api_secret": ADMIN_SECRET, "token": token}[parameter]


def path_of(endpoint: str, account: Account) -> str:
    return endpoint.replace("{robot_id}", account.robot_id)


async def opens(address: str, **options) -> None:
    """Assert that the connection is open: it answers an unknown message."""
    async with stranger(address, **options) as peer:
        await peer.send("nonsense", {})
        error = await peer.next("error")
        assert error["code"] == "INVALID_MESSAGE"
        assert (peer.seen[0]["type"] == "connected") is ("/ws/robot/" in address)


async def refused(address: str, code: int = AUTH_FAILED, **options) -> None:
    """Assert that the client gets the reason and nothing else before the close."""
    async with stranger(address, **options) as peer:
        assert await peer.closed() == code
        assert [document["payload"]["code"] for document in peer.seen] == ["AUTH_FAILED"]
        assert peer.kinds() == ["error"]
        assert set(peer.seen[0]["payload"]) == {"code", "message", "timestamp"}


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
async def test_every_documented_address_accepts_its_credential(
    address: Address, server: Server, account: Account, token: str
) -> None:
    path = address.path
    for prefix in ("/ws/robot/", "/ws/logs/"):
        if path.startswith(prefix):
            path = prefix + account.robot_id
    known = {name: credential(name, account, token) for name in HEADERS}
    await opens(server.ws(path, **{name: known.get(name, value) for name, value in address.parameters}))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_endpoint_accepts_the_query_parameter(
    endpoint: str, server: Server, account: Account, token: str
) -> None:
    parameter = PARAMETERS[endpoint]
    await opens(server.ws(path_of(endpoint, account), **{parameter: credential(parameter, account, token)}))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_endpoint_accepts_the_header(endpoint: str, server: Server, account: Account, token: str) -> None:
    parameter = PARAMETERS[endpoint]
    value = credential(parameter, account, token)
    header = {HEADERS[parameter]: f"Bearer {value}" if parameter == "token" else value}
    await opens(server.ws(path_of(endpoint, account)), additional_headers=header)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_endpoint_in_a_document_is_described(document) -> None:
    for address in addresses_of(document):
        assert any(endpoint.partition("{")[0].rstrip("/") in address.path for endpoint in ENDPOINTS), address


@pytest.mark.parametrize("parameter", ["token"])
@pytest.mark.parametrize("stream", ["live-jobs", "robot-status", "queue-metrics"])
async def test_monitoring_accepts_a_robot_key(stream: str, parameter: str, server: Server, account: Account) -> None:
    await opens(server.ws(f"/ws/monitoring/{stream}", **{parameter: account.api_key}))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("fault", ["missing", "empty", "wrong", "twice", "other kind", "other parameter"])
async def test_endpoint_refuses_a_wrong_credential(
    fault: str, endpoint: str, server: Server, account: Account, token: str
) -> None:
    parameter = PARAMETERS[endpoint]
    good = credential(parameter, account, token)
    kinds = {"api_key": ADMIN_SECRET, "api_secret": account.api_key, "token": ADMIN_SECRET}
    others = {"api_key": "token", "api_secret": "api_key", "token": "api_secret"}
    query = {
        "missing": [],
        "empty": [(parameter, "")],
        "wrong": [(parameter, good[:-9] + ("a" if good[-9] != "a" else "b") + good[-8:])],
        "twice": [(parameter, good), (parameter, good)],
        "other kind": [(parameter, kinds[parameter])],
        "other parameter": [(others[parameter], good)],
    }[fault]
    await refused(server.ws(path_of(endpoint, account)) + "?" + urlencode(query))


@pytest.mark.parametrize("path", ["/ws/admin", "/ws/logs", "/ws/logs/some-robot"])
async def test_admin_and_logs_accept_the_token_of_an_admin(
    path: str, server: Server, account: Account, token: str
) -> None:
    await opens(server.ws(path, token=token))
    await refused(server.ws(path, token=account.api_key))
    await refused(server.ws(path, token=ADMIN_SECRET))
    await refused(server.ws(path, token=token, api_secret="wrong-secret"))


async def test_admin_refuses_a_token_as_secret(server: Server, token: str) -> None:
    await refused(server.ws("/ws/admin", api_secret=token))


async def test_robot_refuses_the_key_of_another_robot(server: Server, account: Account) -> None:
    other = server.robot()
    await refused(server.ws(f"/ws/robot/{other.robot_id}", api_key=account.api_key), FORBIDDEN)
    await refused(server.ws("/ws/robot/nobody-knows-it", api_key=account.api_key), FORBIDDEN)


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if not one.startswith("/ws/monitoring/")])
async def test_endpoint_refuses_a_foreign_origin(endpoint: str, server: Server, account: Account, token: str) -> None:
    parameter = PARAMETERS[endpoint]
    address = server.ws(path_of(endpoint, account), **{parameter: credential(parameter, account, token)})
    for origin in ("https://elsewhere.example", server.url + ".elsewhere.example", "null"):
        await refused(address, ADDRESS_REFUSED, origin=origin)
    await opens(address, origin=server.url)


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.startswith("/ws/monitoring/")])
async def test_monitoring_opens_for_a_page_of_any_origin_with_a_token(
    endpoint: str, server: Server, account: Account, token: str
) -> None:
    """The sample of the contract works from a file and from every page."""
    for credential_of_page in (token, account.api_key):
        for origin in ("https://elsewhere.example", "null", "file://", server.url):
            await opens(server.ws(endpoint, token=credential_of_page), origin=origin)


async def test_key_revoked_while_connected_closes_the_connection(server: Server, account: Account) -> None:
    address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    async with stranger(address) as robot:
        await robot.next("connected")
        response = server.http.delete(f"/api/v1/robots/{account.robot_id}/keys/{account.key_id}")
        assert response.status_code == 204
        assert await robot.closed(within_seconds=5) == AUTH_FAILED
        assert robot.seen[-1]["payload"]["code"] == "AUTH_FAILED"
    await refused(address)


async def test_token_without_a_signature_is_refused(server: Server, token: str) -> None:
    _, claims, _ = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    await refused(server.ws("/ws/monitoring/live-jobs", token=f"{header}.{claims}."))


@pytest.mark.slow
async def test_connection_closes_when_its_token_expires_unless_a_fresh_one_came(tmp_path, wire: str) -> None:
    claims = {"iss": "casare-orchestrator", "aud": "casare", "sub": "admin", "roles": ["admin"], "tenant_id": None}
    token = jwt.encode({**claims, "exp": int(time.time()) + 900}, JWT_SECRET, algorithm="HS256")
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_JWT_TTL_SECONDS="2") as server:
        address = server.ws("/ws/monitoring/queue-metrics", token=server.token())
        async with stranger(address) as watcher, stranger(address) as refreshing, stranger(address) as guessing:
            await refreshing.send("auth_refresh", {"token": token})
            await guessing.send("auth_refresh", {"token": "nonsense"})
            assert await guessing.closed() == AUTH_FAILED
            assert await watcher.closed() == EXPIRED
            for peer in (guessing, watcher):
                assert peer.seen[-1]["payload"]["code"] == "AUTH_FAILED"
            await refreshing.send("nonsense", {})
            assert (await refreshing.next("error"))["code"] == "INVALID_MESSAGE"
        await refused(address, EXPIRED)
