"""Commands whose database is unusable: they retry, or print one line, and never a traceback."""

from pathlib import Path

import pytest

from tests.serving import run_bookstore, run_server

ENCODE = "write / as %2F, # as %23, ? as %3F, @ as %40 and % as %25 in a user and a password"


@pytest.mark.parametrize("command", ["migrate", "verify", "explain", "serve"])
@pytest.mark.parametrize(
    ("dsn", "line"),
    [
        (
            "postgresql://app:SeCr#eT@127.0.0.1/x",
            f"Error: DATABASE_URL: the address contains a #; {ENCODE}.",
        ),
        (
            "postgresql://app@127.0.0.1:99999/x",
            f"Error: DATABASE_URL: the address has a port that is not a number from 1 to 65535; {ENCODE}.",
        ),
    ],
    ids=["#", "port"],
)
def test_an_invalid_dsn_is_reported_in_one_line(tmp_path: Path, command: str, dsn: str, line: str) -> None:
    result = run_bookstore(command, cwd=tmp_path, DATABASE_URL=dsn, PORT="0")

    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"{line}\n")


@pytest.mark.parametrize(
    ("dsn", "part"),
    [
        ("postgresql://app:SeCr/eT@127.0.0.1/x", "the address has a / or ? before its @"),
        ("postgresql://127.0.0.1:1/x?channel_binding=require", "channel_binding can only be prefer or disable"),
        ("postgresql://127.0.0.1:1/x?keepalives=1", "keepalives is not supported"),
        ("postgresql://127.0.0.1:1/x?gssencmode=require", "gssencmode can only be prefer or disable"),
        ("postgresql://127.0.0.1:1/x?load_balance_hosts=random", "load_balance_hosts can only be disable"),
        ("postgresql://127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/no/root.crt", "the file /no/root.crt cannot be read"),
        ("postgresql://127.0.0.1:1/x?sslnegotiation=direct", "direct TLS requires sslmode=require"),
    ],
    ids=["/", "channel_binding", "keepalives", "gssencmode", "load_balance_hosts", "sslrootcert", "sslnegotiation"],
)  # fmt: skip
def test_an_unusable_parameter_is_named_in_one_line(tmp_path: Path, dsn: str, part: str) -> None:
    result = run_bookstore("migrate", cwd=tmp_path, DATABASE_URL=dsn)

    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert "eT" not in result.stderr


@pytest.mark.parametrize(
    "dsn", ["postgresql://me:SeCr#eT@127.0.0.1/x", "postgresql://me:SeCr/eT@127.0.0.1/x"]
)
def test_an_import_from_an_invalid_dsn_is_reported_in_one_line(
    maintenance: str, template: str, tmp_path: Path, dsn: str
) -> None:
    own = maintenance.replace("/postgres?", f"/{template}?")

    result = run_bookstore(
        "import", "postgres", "--from", dsn, "--table", "books", cwd=tmp_path, DATABASE_URL=own
    )

    assert result.returncode == 2
    assert result.stderr.startswith("Error: --from: the address ")
    assert result.stderr.count("\n") == 1
    assert "SeCr" not in result.stderr
    assert "eT" not in result.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("manifest", "line"),
    [
        (
            '{"names": "{ authors { nodes { nam } } }"}',
            "the document 'names' cannot be trusted: Cannot query field 'nam' on type 'Author'. "
            "Did you mean 'name'? (line 1, column 21)",
        ),
        (None, "the manifest cannot be read: No such file or directory."),
    ],
    ids=["invalid", "missing"],
)
def test_a_manifest_that_cannot_be_used_ends_the_start_with_one_line(
    dsn: str, tmp_path: Path, workers: str, manifest: str | None, line: str
) -> None:
    path = tmp_path / "shop.json"
    if manifest:
        path.write_text(manifest)

    result = run_bookstore(
        "serve", cwd=tmp_path, DATABASE_URL=dsn, PORT="0", WORKERS=workers, TRUSTED_DOCUMENTS=str(path)
    )

    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"Error: {path}: {line}\n")


def test_a_mode_without_a_manifest_ends_the_start_with_one_line(tmp_path: Path) -> None:
    result = run_bookstore("serve", cwd=tmp_path, TRUSTED_DOCUMENTS_MODE="enforce")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: TRUSTED_DOCUMENTS is not set: give the manifests for TRUSTED_DOCUMENTS_MODE=enforce.\n"
    )


def test_environment_variables_that_name_a_server_are_not_ignored(tmp_path: Path) -> None:
    result = run_bookstore("migrate", cwd=tmp_path, PGHOST="127.0.0.1", PGPORT="1")
    named = run_bookstore(
        "migrate", cwd=tmp_path, PGHOST="127.0.0.1", PGPORT="1", DATABASE_URL="postgresql://"
    )

    assert result.stderr == (
        "Error: PGHOST is set, but DATABASE_URL is not. Set DATABASE_URL=postgresql:// for the PostgreSQL that the"
        " PG* variables name, or unset PGHOST, PGPORT for the embedded one.\n"
    )
    assert named.stderr.startswith("Error: PostgreSQL cannot be reached at 127.0.0.1:1: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("postgresql://app:SeCr@db.invalid/x", "PostgreSQL cannot be reached at db.invalid:5432: [Errno "),
        ("standby", "it does not match target_session_attrs=standby"),
    ],
    ids=["host", "standby"],
)
def test_a_server_starts_without_its_database_and_logs_the_reason(
    maintenance: str, tmp_path: Path, parameters: str, reason: str
) -> None:
    dsn = f"{maintenance}&target_session_attrs=standby" if parameters == "standby" else parameters

    with run_server(tmp_path, DATABASE_URL=dsn) as server:
        migrations, pool = server.startup_output.splitlines()[:2]
        rest = server.stop()

    for line in (migrations, pool):
        assert line.startswith("WARNING bookstore.")
        assert reason in line
    assert "skipping migrations; requests get 503 until PostgreSQL is reachable and migrated" in migrations
    assert "Traceback" not in server.startup_output + rest
    assert "SeCr" not in server.startup_output + rest
