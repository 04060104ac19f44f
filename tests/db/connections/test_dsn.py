"""DSNs: every parameter is used as psql uses it or rejected by name, and no error contains the password."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from db.connections.dsn import (
    FIXED_PARAMETERS,
    SUPPORTED_PARAMETERS,
    UNSUPPORTED_PARAMETERS,
    DsnError,
    parse_dsn,
)

ENCODE = "write / as %2F, # as %23, ? as %3F, @ as %40 and % as %25 in a user and a password"


def dsn_error(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the message of the DsnError that parsing raises."""
    with pytest.raises(DsnError) as caught:
        parse_dsn(text, environment or {})
    return str(caught.value)


def test_all_parts_of_a_dsn_are_parsed() -> None:
    dsn = parse_dsn(
        "postgresql://app:p%40ss%2F%23:x@db1.example,db2.example:6432,[::1]/book%20shop"
        "?connect_timeout=3&application_name=a+b%20c&sslmode=require&options=-c%20jit%3Doff",
        {},
    )

    assert (dsn.hosts, dsn.ports) == (("db1.example", "db2.example", "::1"), (5432, 6432, 5432))
    assert (dsn.user, dsn.password, dsn.database) == ("app", "p@ss/#:x", "book shop")
    assert dsn.connect_timeout == 3.0
    assert dsn.settings == {"application_name": "a+b c", "options": "-c jit=off"}
    assert dsn.driver_parameters == {"sslmode": "require"}
    assert dsn.driver_url == "postgresql://?sslmode=require"
    assert dsn.location == "db1.example:5432,db2.example:6432,[::1]:5432"
    assert "p@ss" not in repr(dsn)


@pytest.mark.parametrize(
    ("text", "hosts", "ports", "location"),
    [
        ("postgresql://", (), (5432,), "the local server"),
        ("postgres:///shop?port=6432", (), (6432,), "the local server"),
        ("postgresql://app@/shop?host=/run/postgresql", ("/run/postgresql",), (5432,), "/run/postgresql:5432"),
        ("postgresql://%2Frun%2Fpg:6432/shop", ("/run/pg",), (6432,), "/run/pg:6432"),
        ("postgresql:///shop?host=a,b&port=1", ("a", "b"), (1, 1), "a:1,b:1"),
        ("postgresql:///shop?host=a,b&port=1,2", ("a", "b"), (1, 2), "a:1,b:2"),
        ("postgresql://ignored:1/shop?host=a&port=2", ("a",), (2,), "a:2"),
        (f"postgresql:///shop?host=/{'long' * 20}", (f"/{'long' * 20}",), (5432,), f"/{'long' * 20}:5432"),
    ],
)  # fmt: skip
def test_hosts_and_ports_are_parsed(
    text: str, hosts: tuple[str, ...], ports: tuple[int, ...], location: str
) -> None:
    dsn = parse_dsn(text, {})

    assert (dsn.hosts, dsn.ports, dsn.location) == (hosts, ports, location)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "the address is not like postgresql://user:password@host:5432/database"),
        ("mysql://app:SeCr@host/x", "the address is not like postgresql://user:password@host:5432/database"),
        ("host=h password=SeCr", "the address is not like postgresql://user:password@host:5432/database"),
        ("postgresql://app:SeCr#eT@host/x", f"the address contains a #; {ENCODE}"),
        ("postgresql://app:SeCr/eT@host/x", f"the address has a / or ? before its @; {ENCODE}"),
        ("postgresql://app:12/eT@host/x", f"the address has a / or ? before its @; {ENCODE}"),
        ("postgresql://app:SeCr?eT@host/x", f"the address has a / or ? before its @; {ENCODE}"),
        ("postgresql://app:12?sslmode=eT@host/x", f"the address has a / or ? before its @; {ENCODE}"),
        ("postgresql://app:SeCr@eT@host/x", f"the address contains two @; {ENCODE}"),
        ("postgresql://app:SeCr%eT@host/x", f"the address contains a % without two digits; {ENCODE}"),
        ("postgresql://app:SeCr%00@host/x", f"the address contains a % without two digits; {ENCODE}"),
        ("postgresql://app:SeCr", f"the address has a port that is not a number from 1 to 65535; {ENCODE}"),
        ("postgresql://app@host:99999/x", f"the address has a port that is not a number from 1 to 65535; {ENCODE}"),
        ("postgresql://app@host:0/x", f"the address has a port that is not a number from 1 to 65535; {ENCODE}"),
        ("postgresql:///x?host=a&port=-1", f"the address has a port that is not a number from 1 to 65535; {ENCODE}"),
        ("postgresql://[SeCr:eT", f"the address has a host that is not like host:port or [address]:port; {ENCODE}"),
        ("postgresql://a:1:2/x", f"the address has a host that is not like host:port or [address]:port; {ENCODE}"),
        ("postgresql://a,,b/x", "the address has a host that is empty or not a valid name"),
        (f"postgresql://{'a' * 64}/x", "the address has a host that is empty or not a valid name"),
        ("postgresql:///x?host=a,b,c&port=1,2", "the address has more or fewer ports than hosts"),
        ("postgresql://host/x?SeCr", "the address has a parameter that is not written as name=value"),
        ("postgresql://host/x?kepalives=1", "kepalives is an unknown parameter; a server setting is options=-c%20name%3Dvalue"),
        ("postgresql://host/x?password=Se&cr=eT", "the address has an unknown parameter; a server setting is options=-c%20name%3Dvalue"),
        ("postgresql://host/x?Se(cr=eT", "the address has an unknown parameter; a server setting is options=-c%20name%3Dvalue"),
        ("postgresql://host/x?connect_timeout=SeCr", "connect_timeout is not a whole number of seconds"),
        ("postgresql://host/x?keepalives=1", "keepalives is not supported; leave it out"),
        ("postgresql://host/x?channel_binding=require", "channel_binding can only be prefer or disable here; leave it out"),
        ("postgresql://host/x?gssencmode=require", "gssencmode can only be prefer or disable here; leave it out"),
        (
            "postgresql://host/x?target_session_attrs=leader",
            "target_session_attrs can only be any or read-write or read-only or primary or standby or prefer-standby",
        ),
        ("postgresql://host/x?load_balance_hosts=random", "load_balance_hosts can only be disable here; leave it out"),
        ("postgresql://host/x?sslrootcert=system", "sslrootcert=system is not supported; name a file of trusted certificates"),
        ("postgresql://host/x?sslrootcert=/no/root.crt", "sslrootcert: the file /no/root.crt cannot be read: No such file or directory"),
        ("postgresql://host/x?service=shop&servicefile=/no/file", "service: the file /no/file cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_the_error_names_the_unusable_part_but_not_the_password(text: str, message: str) -> None:
    assert dsn_error(text) == message
    for part in ("SeCr", "eT", "cr=", "12"):
        assert part not in message


def test_parameters_with_the_drivers_fixed_values_are_accepted() -> None:
    parameters = (
        "channel_binding=prefer&gssencmode=disable&load_balance_hosts=disable&client_encoding=UTF8&ssl=true"
    )

    dsn = parse_dsn(
        f"postgresql://host/x?{parameters}&database=y&user=u&password=p&fallback_application_name=f", {}
    )

    assert dsn.driver_parameters == {"sslmode": "require"}
    assert (dsn.database, dsn.user, dsn.password) == ("y", "u", "p")
    assert dsn.settings == {"application_name": "f"}


@pytest.mark.parametrize("seconds", ["0", "-1"])
def test_a_connect_timeout_of_0_means_no_timeout(seconds: str) -> None:
    assert parse_dsn(f"postgresql://host/x?connect_timeout={seconds}", {}).connect_timeout is None


def test_environment_variables_are_used_if_the_dsn_lacks_a_part() -> None:
    environment = {
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGDATABASE": "shop",
        "PGUSER": "app",
        "PGPASSWORD": "p",
        "PGAPPNAME": "till",
        "PGOPTIONS": "-c jit=off",
        "PGCONNECT_TIMEOUT": "7",
        "PGSSLMODE": "require",
        "PGCHANNELBINDING": "require",
        "PGTZ": "UTC",
        "PGKRBSRVNAME": "",
    }

    dsn = parse_dsn("postgresql://other/?user=me&channel_binding=prefer", environment)

    assert (dsn.hosts, dsn.ports, dsn.database) == (("other",), (6432,), "shop")
    assert (dsn.user, dsn.password, dsn.connect_timeout) == ("me", "p", 7.0)
    assert dsn.settings == {"application_name": "till", "options": "-c jit=off"}
    assert dsn.driver_parameters == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PGCHANNELBINDING": "require"}, "PGCHANNELBINDING can only be prefer or disable here; leave it out"),
        ({"PGHOSTADDR": "127.0.0.1"}, "PGHOSTADDR is not supported; leave it out"),
        ({"PGCONNECT_TIMEOUT": "soon"}, "PGCONNECT_TIMEOUT is not a whole number of seconds"),
        ({"PGSSLROOTCERT": "/no/root.crt"}, "PGSSLROOTCERT: the file /no/root.crt cannot be read: No such file or directory"),
        ({"PGSERVICE": "shop", "PGSERVICEFILE": "/no/file"}, "PGSERVICE: the file /no/file cannot be read: No such file or directory"),
        ({"PGSERVICE": "shop", "PGSERVICEFILE": __file__}, f"PGSERVICE: the file {__file__} is not made of [service] and name=value lines"),
    ],
)  # fmt: skip
def test_an_unusable_environment_variable_is_named(environment: dict[str, str], message: str) -> None:
    assert dsn_error("postgresql://host/x", environment) == message


def test_a_service_is_used_if_the_dsn_lacks_a_part(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_text(
        "# ours\n[shop]\nhost=db.example\nport=6432\ndbname=shop\nuser=app\npassword=%=x\n[other]\nkeepalives=1\n"
    )
    environment = {"PGSERVICEFILE": str(file), "PGUSER": "ignored"}

    dsn = parse_dsn("postgresql://me@/?service=shop", environment)

    assert (dsn.hosts, dsn.ports, dsn.database) == (("db.example",), (6432,), "shop")
    assert (dsn.user, dsn.password) == ("me", "%=x")
    assert parse_dsn("postgresql://", {**environment, "PGSERVICE": "shop"}).user == "app"
    assert (
        dsn_error("postgresql://", {**environment, "PGSERVICE": "other"})
        == "keepalives of [other] is not supported; leave it out"
    )
    assert (
        dsn_error("postgresql://", {**environment, "PGSERVICE": "none"})
        == f"PGSERVICE: the file {file} has no service [none]"
    )


def test_no_parameter_is_in_two_tables() -> None:
    tables = (SUPPORTED_PARAMETERS, FIXED_PARAMETERS, UNSUPPORTED_PARAMETERS)

    assert len({name for table in tables for name in table}) == sum(map(len, tables))
