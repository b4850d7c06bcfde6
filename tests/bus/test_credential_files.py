"""Credential files of NATS: seeds of nkeys, and `.creds` files with a signed user. The keys are made here."""

import asyncio
import base64
import json
import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nkeys
import pytest

from bus.servers import NATS_SERVERS, PATIENT_SECONDS, SUBJECT, NatsServer, nats_server
from bus.test_access import refusal
from bus.test_buses import alive, exchanged, opened
from casare_rpa.domain.bus_urls import parse_bus_url
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.nats import NatsConnector
from casare_rpa.infrastructure.orchestrator.bus.nats_keys import MAX_BYTES, read_nats_key

NAMED = {"allow": ["casare.hints.>"]}
ANY = -1


@dataclass
class Key:
    """A key pair of an operator, an account or a user."""

    kind: int
    seed: str = field(init=False)
    public: str = field(init=False)

    def __post_init__(self) -> None:
        raw = nkeys.encode_seed(secrets.token_bytes(32), self.kind)
        self.seed, self.public = raw.decode(), nkeys.from_seed(raw).public_key.decode()

    def signed(self, subject: "Key", kind: str, expires: int | None = None, **claims: Any) -> str:
        """A token of this key about another one, as `nsc` writes it."""
        about = {"jti": secrets.token_hex(8), "iat": int(time.time()), "iss": self.public, "sub": subject.public}
        if expires is not None:
            about["exp"] = expires
        body = {**about, "name": kind, "nats": {"type": kind, "version": 2, **claims}}
        parts = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body)
        ]
        signature = nkeys.from_seed(self.seed.encode()).sign(".".join(parts).encode())
        return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


def user_key() -> Key:
    return Key(nkeys.PREFIX_BYTE_USER)


def nkey_file(folder: Path, key: Key) -> Path:
    path = folder / "casare.nk"
    path.write_text(f"# the seed of the instances\n{key.seed}\n")
    return path


def creds_file(folder: Path, key: Key, token: str) -> Path:
    path = folder / "casare.creds"
    path.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        f"-----BEGIN USER NKEY SEED-----\n{key.seed}\n------END USER NKEY SEED------\n"
    )
    return path


def known(key: Key) -> str:
    rights = 'permissions: { publish: "casare.hints.>", subscribe: "casare.hints.>" }'
    return f"authorization {{ timeout: {PATIENT_SECONDS}, users: [ {{ nkey: {key.public}, {rights} }} ] }}"


def connector(server: NatsServer, file: Path) -> NatsConnector:
    return NatsConnector(parse_bus_url(f"nats://127.0.0.1:{server.port}"), SUBJECT, file)


@pytest.fixture(scope="module", params=list(NATS_SERVERS))
def program(request: pytest.FixtureRequest) -> str:
    return NATS_SERVERS[request.param]


async def test_nkey_is_accepted_and_another_one_refused(
    program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine, other = user_key(), user_key()
    with nats_server(program, known(mine)) as server:
        file = nkey_file(tmp_path, mine)
        async with alive(connector(server, file)) as first, alive(connector(server, file)) as second:
            await exchanged(first, second, 1)
        sentence = await refusal(connector(server, nkey_file(tmp_path, other)))
        assert sentence == f"CASARE_BUS_URL: 127.0.0.1:{server.port} refuses the credentials"
    assert mine.seed not in caplog.text
    assert other.seed not in caplog.text


async def test_file_is_read_for_each_connection(program: str, tmp_path: Path) -> None:
    old, new = user_key(), user_key()
    with nats_server(program, known(old)) as server:
        async with alive(connector(server, nkey_file(tmp_path, old))) as end:
            server.kill()
            await end.until_dead()
            configuration = server.folder / "nats.conf"
            configuration.write_text(configuration.read_text().replace(old.public, new.public))
            nkey_file(tmp_path, new)
            server.start()
            await end.until_look()


@dataclass(frozen=True)
class Operator:
    """A server with an operator and one account, whose users need a signed token."""

    server: NatsServer
    account: Key

    def creds(self, folder: Path, user: Key, **claims: Any) -> Path:
        limits = {"subs": ANY, "data": ANY, "payload": ANY}
        return creds_file(folder, user, self.account.signed(user, "user", pub=NAMED, sub=NAMED, **limits, **claims))


@pytest.fixture(scope="module")
def operator(program: str) -> Iterator[Operator]:
    top, account = Key(nkeys.PREFIX_BYTE_OPERATOR), Key(nkeys.PREFIX_BYTE_ACCOUNT)
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), ANY)
    token = top.signed(account, "account", limits={**limits, "wildcards": True})
    lines = (f"operator: {top.signed(top, 'operator')}", "resolver: MEMORY")
    with nats_server(program, *lines, f"resolver_preload: {{ {account.public}: {token} }}") as server:
        yield Operator(server, account)


async def test_creds_file_is_accepted(operator: Operator, tmp_path: Path) -> None:
    file = operator.creds(tmp_path, user_key())
    async with alive(connector(operator.server, file)) as first, alive(connector(operator.server, file)) as second:
        await exchanged(first, second, 1)


async def test_creds_file_that_has_expired_or_has_the_seed_of_another_user_is_refused(
    operator: Operator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user, other = user_key(), user_key()
    assert "refuses" in await refusal(connector(operator.server, operator.creds(tmp_path, user, expires=1)))
    file = operator.creds(tmp_path, user)
    file.write_text(file.read_text().replace(user.seed, other.seed))
    assert "refuses" in await refusal(connector(operator.server, file))
    assert user.seed not in caplog.text
    assert other.seed not in caplog.text


async def test_nothing_is_signed_without_tls(tmp_path: Path) -> None:
    received = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"version":"2.9.10","max_payload":1048576,"auth_required":true,"nonce":"abc"}\r\n')
        while chunk := await reader.read(1_000):
            received.extend(chunk)
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as listener:
        url = f"tls://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        with pytest.raises(InvalidSettings, match="does not offer TLS"):
            async with opened(NatsConnector(parse_bus_url(url), SUBJECT, nkey_file(tmp_path, user_key()))):
                pass
        listener.close()
    assert bytes(received) == b""


@pytest.mark.parametrize("damage", ["absent", "empty", "account", "no token", "damaged seed", "binary", "too long"])
def test_file_that_is_not_a_credential_is_refused_without_its_content(tmp_path: Path, damage: str) -> None:
    user = user_key()
    path = creds_file(tmp_path, user, "a.b.c")
    text = path.read_text()
    match damage:
        case "absent":
            path.unlink()
        case "empty":
            path.write_text("")
        case "account":
            path.write_text(Key(nkeys.PREFIX_BYTE_ACCOUNT).seed)
        case "no token":
            path.write_text(text.replace("a.b.c", ""))
        case "damaged seed":
            path.write_text(text.replace(user.seed, "SUB" + user.seed[3:]))
        case "binary":
            path.write_bytes(b"\xff\x00SU")
        case _:
            path.write_text(" " * MAX_BYTES + text)
    with pytest.raises(InvalidSettings) as refused:
        read_nats_key(path)
    assert str(path) in str(refused.value)
    assert user.seed[2:] not in str(refused.value)


def test_key_does_not_show_its_secrets(tmp_path: Path) -> None:
    user = user_key()
    key = read_nats_key(creds_file(tmp_path, user, "a.b.c"))
    assert (key.token, key.public_key) == ("a.b.c", user.public)
    assert user.seed not in repr(key)
    assert "a.b.c" not in repr(key)
