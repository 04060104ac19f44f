"""Connect errors: temporary ones are distinguished from permanent ones, and name the host and the reason."""

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
"""A self-signed certificate for localhost, with its key."""

SSL_REQUEST = 8
"""Length of an SSLRequest message in bytes."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listen(handle: Handler) -> AsyncGenerator[int]:
    """Accept connections on a free port of 127.0.0.1, handle and close each. Yield the port."""

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


async def connect_error(dsn: str) -> DatabaseError:
    """Return the error of a connect. Its message must be one line without the password."""
    with pytest.raises(DatabaseError) as caught:
        await connect(dsn, application_name="test", timeout=GUARD)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


# Parameters


async def test_parameters_reach_the_server(dsn: str) -> None:
    settings = "SELECT current_setting('application_name') || ' ' || current_setting('jit_above_cost')"

    async def read_settings(address: str) -> str:
        connection = await connect(address, application_name="bookstore", settings={"jit_above_cost": "3"})
        value = await connection.fetchval(settings)
        await connection.close()
        return value

    assert await read_settings(dsn) == "bookstore 3"
    assert await read_settings(f"{dsn}&application_name=till") == "till 3"


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


async def test_the_connect_timeout_of_the_dsn_takes_precedence() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listen(ignore) as port:
        error = await connect_error(f"postgresql://app:hush@127.0.0.1:{port}/x?connect_timeout=1")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error) == f"PostgreSQL cannot be reached at 127.0.0.1:{port}: no answer within 1 s"


# Temporary errors


async def test_a_refused_connection_is_temporary() -> None:
    error = await connect_error("postgresql://app:hush@127.0.0.1:1/x")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).startswith("PostgreSQL cannot be reached at 127.0.0.1:1: ")


async def test_a_missing_socket_is_temporary() -> None:
    error = await connect_error("postgresql://app:hush@/x?host=/nowhere")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error) == "PostgreSQL cannot be reached at /nowhere:5432: [Errno 2] No such file or directory"


async def test_a_host_that_does_not_resolve_is_named_and_temporary() -> None:
    error = await connect_error("postgresql://app:hush@db.invalid/x")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).startswith("PostgreSQL cannot be reached at db.invalid:5432: [Errno ")


async def test_a_server_without_the_target_session_role_is_temporary(dsn: str) -> None:
    error = await connect_error(f"{dsn}&target_session_attrs=standby")

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).endswith(":5432: it does not match target_session_attrs=standby")


async def test_too_many_connections_are_temporary(dsn: str, observer: asyncpg.Connection) -> None:
    database = await observer.fetchval("SELECT current_database()")
    await observer.execute(f"CREATE ROLE {database}_clerk LOGIN CONNECTION LIMIT 0")

    error = await connect_error(dsn.replace("//app@", f"//{database}_clerk@"))

    assert isinstance(error, DatabaseUnavailableError)
    assert str(error).endswith(f'too many connections for role "{database}_clerk"')
    await observer.execute(f"DROP ROLE {database}_clerk")


@pytest.mark.parametrize("parameters", ["sslmode=require", "sslmode=require&sslnegotiation=direct"])
async def test_a_connection_lost_in_the_tls_handshake_is_temporary(parameters: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "direct" not in parameters:
            await reader.readexactly(SSL_REQUEST)
            writer.write(b"S")
        await reader.read(1)

    async with listen(hang_up) as port:
        error = await connect_error(f"postgresql://app:hush@127.0.0.1:{port}/x?{parameters}")

    assert isinstance(error, DatabaseUnavailableError)
    prefix = f"PostgreSQL cannot be reached at 127.0.0.1:{port}: "
    assert str(error).startswith(prefix)
    assert len(str(error)) > len(prefix)


# Permanent errors


async def test_a_database_that_does_not_exist_is_named(dsn: str) -> None:
    error = await connect_error(dsn.replace("/test_", "/nowhere_"))

    assert type(error) is DatabaseError
    assert str(error).endswith(" does not exist")


async def test_a_missing_root_certificate_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "root.crt"

    error = await connect_error(
        f"postgresql://app:hush@127.0.0.1:1/x?sslmode=verify-full&sslrootcert={missing}"
    )

    assert isinstance(error, DsnError)
    assert str(error) == f"sslrootcert: the file {missing} cannot be read: No such file or directory"


async def test_a_missing_default_root_certificate_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    error = await connect_error("postgresql://app:hush@127.0.0.1:1/x?sslmode=verify-full")

    assert type(error) is DatabaseError
    assert str(error) == (
        "PostgreSQL cannot be reached at 127.0.0.1:1: "
        f'root certificate file "{tmp_path}/.postgresql/root.crt" does not exist or cannot be accessed'
    )


async def test_an_invalid_root_certificate_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "root.crt").write_text("none")

    error = await connect_error(
        f"postgresql://127.0.0.1:1/x?sslmode=verify-full&sslrootcert={tmp_path}/root.crt"
    )

    assert type(error) is DatabaseError
    assert "no certificate or crl found" in str(error)


async def test_direct_tls_with_an_unsuitable_sslmode_is_rejected() -> None:
    error = await connect_error("postgresql://app:hush@127.0.0.1:1/x?sslnegotiation=direct")

    assert type(error) is DatabaseError
    assert str(error).endswith("direct TLS requires sslmode=require, verify-ca, or verify-full")


async def test_a_certificate_for_another_host_is_rejected(tmp_path: Path) -> None:
    """The certificate is for localhost, and the client connects to 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(SSL_REQUEST)
        writer.write(b"S")
        await writer.start_tls(context)

    async with listen(shake_hands) as port:
        error = await connect_error(
            f"postgresql://app:hush@127.0.0.1:{port}/x?sslmode=verify-full&sslrootcert={CERTIFICATE}"
        )

    assert type(error) is DatabaseError
    assert "certificate is not valid for '127.0.0.1'" in str(error)


# The first statement


@pytest.fixture
async def pooler(proxy: Proxy) -> AsyncGenerator[int]:
    """The port of a pooler whose server is down: it accepts logins, and closes the connection at a statement."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(proxy.target)
        server_writer.write(await reader.read(65_536))
        while True:
            sent = await server_reader.read(65_536)
            writer.write(sent)
            if sent.endswith(b"Z\0\0\0\5I"):
                break
        await reader.read(1)
        server_writer.close()

    async with listen(serve) as port:
        yield port


async def test_a_pooler_whose_server_is_down_is_a_temporary_error(dsn: str, pooler: int) -> None:
    database = dsn.partition("@/")[2].partition("?")[0]

    with pytest.raises(DatabaseUnavailableError) as caught:
        await asyncio.to_thread(
            migrate, f"postgresql://app:hush@127.0.0.1:{pooler}/{database}?sslmode=disable"
        )

    assert str(caught.value) == (
        f"PostgreSQL cannot be reached at 127.0.0.1:{pooler}: connection was closed in the middle of operation"
    )
