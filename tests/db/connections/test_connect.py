"""Connecting: what a retry may help is told from what it will not, and the reason and the host are named."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db.connections.connect import connect
from db.connections.dsn import DsnError
from db.errors import DatabaseError, DatabaseUnavailableError
from db.migrations import migrate
from tests.faults.proxy import Proxy
from tests.waiting import GUARD

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""A key and a certificate that signs itself, of localhost."""

SSL_REQUEST = 8
"""The bytes of an SSLRequest."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listener(handle: Handler) -> AsyncGenerator[int]:
    """A port of 127.0.0.1 whose connections are handled so, then closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def refusal(dsn: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        await connect(dsn, application_name="test", timeout=GUARD)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


# What is used


async def test_parameters_reach_the_server(dsn: str) -> None:
    settings = "SELECT current_setting('application_name') || ' ' || current_setting('jit_above_cost')"

    async def seen(address: str) -> str:
        connection = await connect(address, application_name="bookstore", settings={"jit_above_cost": "3"})
        value = await connection.fetchval(settings)
        await connection.close()
        return value

    assert await seen(dsn) == "bookstore 3"
    assert await seen(f"{dsn}&application_name=till") == "till 3"


async def test_variables_reach_the_server(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGAPPNAME", "till")
    monkeypatch.setenv("PGOPTIONS", "-c jit_above_cost=4")

    connection = await connect(dsn, application_name="bookstore")

    assert await connection.fetchval("SHOW application_name") == "till"
    assert await connection.fetchval("SHOW jit_above_cost") == "4"
    await connection.close()


async def test_a_service_is_used(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    host = dsn.partition("host=")[2].partition("&")[0]
    database = dsn.partition("@/")[2].partition("?")[0]
    (tmp_path / "services").write_text(f"[shop]\nhost={host}\ndbname={database}\nuser=app\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))

    connection = await connect("postgresql://?service=shop", application_name="bookstore")

    assert await connection.fetchval("SELECT current_database()") == database
    await connection.close()


async def test_a_connect_timeout_of_the_address_wins() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listener(ignore) as port:
        error = await refusal(f"postgresql://app:hush@127.0.0.1:{port}/x?connect_timeout=1")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error) == f"PostgreSQL cannot be reached at 127.0.0.1:{port}: no answer within 1 s"


# What a retry may help


async def test_a_refused_connection_may_be_retried() -> None:
    error = await refusal("postgresql://app:hush@127.0.0.1:1/x")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).startswith("PostgreSQL cannot be reached at 127.0.0.1:1: ")


async def test_a_socket_that_is_not_there_may_be_retried() -> None:
    error = await refusal("postgresql://app:hush@/x?host=/nowhere")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error) == "PostgreSQL cannot be reached at /nowhere:5432: [Errno 2] No such file or directory"


async def test_a_host_that_does_not_resolve_is_named_and_may_be_retried() -> None:
    error = await refusal("postgresql://app:hush@db.invalid/x")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).startswith("PostgreSQL cannot be reached at db.invalid:5432: [Errno ")


async def test_a_server_without_the_wanted_role_may_be_retried(dsn: str) -> None:
    error = await refusal(f"{dsn}&target_session_attrs=standby")

    assert isinstance(error, DatabaseUnavailableError)
    assert "None of the hosts match the target attribute requirement" in str(error)


async def test_a_server_without_free_connections_may_be_retried(
    dsn: str, observer: asyncpg.Connection
) -> None:
    database = await observer.fetchval("SELECT current_database()")
    await observer.execute(f"CREATE ROLE {database}_clerk LOGIN CONNECTION LIMIT 0")

    error = await refusal(dsn.replace("//app@", f"//{database}_clerk@"))

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).endswith(f'too many connections for role "{database}_clerk"')
    await observer.execute(f"DROP ROLE {database}_clerk")


@pytest.mark.parametrize("parameters", ["sslmode=require", "sslmode=require&sslnegotiation=direct"])
async def test_a_connection_that_ends_in_the_tls_handshake_may_be_retried(parameters: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "direct" not in parameters:
            await reader.readexactly(SSL_REQUEST)
            writer.write(b"S")
        await reader.read(1)

    async with listener(hang_up) as port:
        error = await refusal(f"postgresql://app:hush@127.0.0.1:{port}/x?{parameters}")

    assert isinstance(error, DatabaseUnavailableError)
    prefix = f"PostgreSQL cannot be reached at 127.0.0.1:{port}: "
    assert str(error).startswith(prefix)
    assert len(str(error)) > len(prefix)


# What it will not


async def test_a_database_that_does_not_exist_is_named(dsn: str) -> None:
    error = await refusal(dsn.replace("/test_", "/nowhere_"))

    assert type(error) is DatabaseError
    assert str(error).endswith(" does not exist")


async def test_a_root_certificate_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "root.crt"

    error = await refusal(f"postgresql://app:hush@127.0.0.1:1/x?sslmode=verify-full&sslrootcert={missing}")

    assert isinstance(error, DsnError)
    assert str(error) == f"sslrootcert: the file {missing} cannot be read: No such file or directory"


async def test_the_usual_root_certificate_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    error = await refusal("postgresql://app:hush@127.0.0.1:1/x?sslmode=verify-full")

    assert type(error) is DatabaseError
    assert str(error) == (
        "PostgreSQL cannot be reached at 127.0.0.1:1: "
        f'root certificate file "{tmp_path}/.postgresql/root.crt" does not exist or cannot be accessed'
    )


async def test_a_root_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root.crt").write_text("none")

    error = await refusal(f"postgresql://127.0.0.1:1/x?sslmode=verify-full&sslrootcert={tmp_path}/root.crt")

    assert type(error) is DatabaseError
    assert "no certificate or crl found" in str(error)


async def test_direct_tls_without_its_sslmode_is_refused() -> None:
    error = await refusal("postgresql://app:hush@127.0.0.1:1/x?sslnegotiation=direct")

    assert type(error) is DatabaseError
    assert str(error).endswith("direct TLS requires sslmode=require, verify-ca, or verify-full")


async def test_a_server_with_another_certificate_is_refused(tmp_path: Path) -> None:
    """The server's certificate is of localhost, and it is reached as 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(SSL_REQUEST)
        writer.write(b"S")
        await writer.start_tls(context)

    async with listener(shake_hands) as port:
        error = await refusal(
            f"postgresql://app:hush@127.0.0.1:{port}/x?sslmode=verify-full&sslrootcert={CERTIFICATE}"
        )

    assert type(error) is DatabaseError
    assert "certificate is not valid for '127.0.0.1'" in str(error)


# The first statement


@pytest.fixture
async def pooler(proxy: Proxy) -> AsyncGenerator[int]:
    """A port that is like a pooler whose server is down: it lets clients in, and hangs up at a statement."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(proxy.target)
        back.write(await reader.read(65_536))
        while True:
            sent = await there.read(65_536)
            writer.write(sent)
            if sent.endswith(b"Z\0\0\0\5I"):
                break
        await reader.read(1)
        back.close()

    async with listener(serve) as port:
        yield port


async def test_a_pooler_whose_server_is_down_may_be_retried(dsn: str, pooler: int) -> None:
    database = dsn.partition("@/")[2].partition("?")[0]

    with pytest.raises(DatabaseUnavailableError) as caught:
        await asyncio.to_thread(
            migrate, f"postgresql://app:hush@127.0.0.1:{pooler}/{database}?sslmode=disable"
        )

    assert str(caught.value) == (
        "The database cannot be migrated: connection was closed in the middle of operation"
    )
