"""Credentials and encryption of a bus: refused at start with a clear sentence, and never shown."""

import asyncio
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.servers import NATS_SERVERS, SUBJECT, NatsServer, nats_server, postgres_server
from bus.test_buses import DEADLINE_SECONDS, alive, exchanged, opened
from casare_rpa.domain.bus_urls import parse_bus_url
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.bus.nats import NatsConnector, subject_of
from casare_rpa.infrastructure.orchestrator.bus.postgres import PostgresConnector
from postgres_server import PostgresServer

pytestmark = pytest.mark.slow

SECRET = "s3cret/p@ss"
ENCODED = "s3cret%2Fp%40ss"
RIGHTS = 'permissions: {{ publish: "{0}", subscribe: "{0}" }}'
USERS = f"""authorization {{ users: [
  {{ user: "casare", password: "{SECRET}", {RIGHTS.format("casare.hints.>")} }},
  {{ user: "other", password: "{SECRET}", {RIGHTS.format("other.>")} }},
  {{ user: "silent", password: "{SECRET}", permissions: {{ publish: "other", subscribe: "casare.hints.>" }} }},
] }}"""


def logged_in(server: NatsServer, credentials: str, scheme: str = "nats", subject: str = SUBJECT) -> NatsConnector:
    return NatsConnector(parse_bus_url(f"{scheme}://{credentials}@127.0.0.1:{server.port}"), subject)


@pytest.fixture(scope="module", params=list(NATS_SERVERS))
def program(request: pytest.FixtureRequest) -> str:
    return NATS_SERVERS[request.param]


@pytest.fixture(scope="module")
def server(program: str) -> Iterator[NatsServer]:
    with nats_server(program, USERS) as running:
        yield running


async def refusal(connect: NatsConnector | PostgresConnector) -> str:
    before = asyncio.all_tasks()
    with pytest.raises(InvalidSettings) as refused:
        async with opened(connect):
            pass
    async with asyncio.timeout(DEADLINE_SECONDS):
        while asyncio.all_tasks() - before:  # the driver leaves none behind
            await asyncio.sleep(0.001)
    return str(refused.value)


async def test_user_with_rights_is_accepted(server: NatsServer) -> None:
    async with (
        alive(logged_in(server, f"casare:{ENCODED}")) as first,
        alive(logged_in(server, f"casare:{ENCODED}")) as second,
    ):
        await exchanged(first, second, 1)


@pytest.mark.parametrize("credentials", ["casare:wrong-one", "unknown:wrong-one", "wrong-one"])
async def test_wrong_credentials_end_the_start(
    server: NatsServer, credentials: str, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = await refusal(logged_in(server, credentials))
    assert sentence == f"CASARE_BUS_URL: 127.0.0.1:{server.port} refuses the credentials"
    assert "wrong-one" not in caplog.text


@pytest.mark.parametrize("user", ["other", "silent"])
async def test_user_without_rights_ends_the_start(server: NatsServer, user: str) -> None:
    sentence = await refusal(logged_in(server, f"{user}:{ENCODED}"))
    assert sentence.endswith("does not let this user publish to and subscribe to casare.hints.>")


async def test_token_is_accepted(program: str) -> None:
    with nats_server(program, f'authorization {{ token: "{SECRET}" }}') as running:
        async with alive(logged_in(running, ENCODED)) as end:
            await exchanged(end, end, 1)
        assert "refuses the credentials" in await refusal(logged_in(running, "wrong-one"))


async def test_password_that_was_changed_is_logged_without_it(program: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with nats_server(program, f'authorization {{ user: casare, password: "{SECRET}" }}') as running:
        async with alive(logged_in(running, f"casare:{ENCODED}")) as end:
            running.kill()
            await end.until_dead()
            configuration = running.folder / "nats.conf"
            configuration.write_text(configuration.read_text().replace(SECRET, "another password"))
            running.start()
            await end.until(lambda: "refuses the credentials" in caplog.text)
            assert not end.bus.alive
    assert SECRET not in caplog.text
    assert ENCODED not in caplog.text


async def test_instances_with_other_secrets_do_not_get_the_hints(server: NatsServer) -> None:
    mine, other = subject_of(b"a secret of one installation...."), subject_of(b"a secret of another installation")
    assert mine != other
    credentials = f"casare:{ENCODED}"
    async with (
        alive(logged_in(server, credentials, subject=mine)) as first,
        alive(logged_in(server, credentials, subject=other)) as second,
    ):
        await exchanged(first, first, 1)
        await exchanged(second, second, 2)
        assert {hint.jobs for hint in first.got} == {1}
        assert {hint.jobs for hint in second.got} == {2}


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that signs itself, and its key, as texts."""
    folder = tmp_path_factory.mktemp("certificate")
    key, signed = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(signed)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return signed.read_text(), key.read_text()


@pytest.fixture
def encrypted(program: str, certificate: tuple[str, str]) -> Iterator[NatsServer]:
    with nats_server(program) as plain:
        folder = plain.folder
        plain.kill()
        for name, text in zip(("certificate.pem", "key.pem"), certificate, strict=True):
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        with (folder / "nats.conf").open("a") as configuration:
            configuration.write(f'\ntls {{ cert_file: "{folder}/certificate.pem", key_file: "{folder}/key.pem" }}')
            configuration.write(f'\nauthorization {{ user: casare, password: "{SECRET}" }}')
        plain.start()
        yield plain


async def test_certificate_is_checked(
    encrypted: NatsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: tuple[str, str]
) -> None:
    credentials = f"casare:{ENCODED}"
    sentence = await refusal(logged_in(encrypted, credentials, "tls"))
    assert sentence.startswith(f"CASARE_BUS_URL: the certificate of 127.0.0.1:{encrypted.port} is not valid: self")
    (tmp_path / "authority.pem").write_text(certificate[0])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with alive(logged_in(encrypted, credentials, "tls")) as end:
        await exchanged(end, end, 1)
    async with alive(logged_in(encrypted, credentials, "nats")) as end:
        await exchanged(end, end, 2)
    assert "refuses the credentials" in await refusal(logged_in(encrypted, "casare:wrong-one", "tls"))


@pytest.mark.parametrize("credentials", [f"casare:{ENCODED}", ENCODED])
async def test_password_is_not_sent_without_tls(credentials: str) -> None:
    received = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.9.10","max_payload":1048576,"auth_required":true}\r\n')
        while chunk := await reader.read(1_000):
            received.extend(chunk)
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(InvalidSettings, match="does not offer TLS"):
            async with opened(NatsConnector(parse_bus_url(f"tls://{credentials}@127.0.0.1:{port}"), SUBJECT)):
                pass
        listener.close()
    assert bytes(received) == b""


async def test_server_without_tls_is_refused_without_credentials_too(program: str) -> None:
    with nats_server(program) as running:
        assert "does not offer TLS" in await refusal(
            NatsConnector(parse_bus_url(f"tls://127.0.0.1:{running.port}"), SUBJECT)
        )


async def test_next_server_is_used_when_one_is_away(program: str) -> None:
    with nats_server(program) as running:
        urls = f"nats://127.0.0.1:1,nats://127.0.0.1:{running.port}"
        for _ in range(4):
            async with alive(NatsConnector(parse_bus_url(urls), SUBJECT)) as end:
                await exchanged(end, end, 1)


# PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        rules = running.folder / "pg_hba.conf"
        rules.write_text("host all casare 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        running.kill()
        running.start()
        yield running


@pytest.mark.parametrize("user", ["unknown", "unknown:wrong-one"])
async def test_user_that_postgresql_refuses_ends_the_start(postgres: PostgresServer, user: str) -> None:
    sentence = await refusal(PostgresConnector(f"postgresql://{user}@127.0.0.1:{postgres.port}/postgres"))
    assert sentence.startswith("CASARE_DATABASE_URL: PostgreSQL refuses the bus: ")
    assert "wrong-one" not in sentence


async def test_database_that_does_not_exist_ends_the_start(postgres: PostgresServer) -> None:
    assert 'database "absent" does not exist' in await refusal(
        PostgresConnector(f"postgresql://casare@127.0.0.1:{postgres.port}/absent")
    )
