"""Addresses of databases: a URL with libpq's parameters, completed by a service and by PG* variables.

This module parses an address before any driver sees it, because drivers quote the parts that they cannot use.
No error of this module contains a part of the address that may belong to a password.

A parameter of the URL wins over the service's, and that one wins over the variable's. Each is used as psql
uses it, or refused by its name:

    used      host port dbname user password passfile service servicefile options application_name
              connect_timeout target_session_attrs krbsrvname gsslib sslmode sslnegotiation sslpassword
              ssl_min_protocol_version ssl_max_protocol_version
              sslcert sslkey sslrootcert sslcrl, which must be readable files
    limited   channel_binding gssencmode load_balance_hosts client_encoding: the values in FIXED_PARAMETERS
    refused   keepalives hostaddr require_auth and the rest of libpq's, because asyncpg has no such thing

PGTZ, PGDATESTYLE and PGGEQO are no parameters of an address, and no statement depends on them.
"""

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlencode

from db.errors import DatabaseError

FORM = "postgresql://user:password@host:5432/database"
DEFAULT_PORT = 5432

DRIVER_PARAMETERS = {
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslpassword": None,
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "krbsrvname": "PGKRBSRVNAME",
    "gsslib": "PGGSSLIB",
}
"""Each parameter that asyncpg reads from the query of a URL, with its variable."""

SUPPORTED_PARAMETERS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "servicefile": "PGSERVICEFILE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "fallback_application_name": None,
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    **DRIVER_PARAMETERS,
}

FIXED_PARAMETERS = {
    "channel_binding": ("PGCHANNELBINDING", ("prefer", "disable")),
    "gssencmode": ("PGGSSENCMODE", ("prefer", "disable")),
    "load_balance_hosts": ("PGLOADBALANCEHOSTS", ("disable",)),
    "client_encoding": ("PGCLIENTENCODING", ("utf8", "utf-8", "auto")),
}
"""Each parameter that may only ask for what asyncpg does, with its variable and those values."""

UNSUPPORTED_PARAMETERS = {
    "gssdelegation": "PGGSSDELEGATION",
    "hostaddr": "PGHOSTADDR",
    "keepalives": None,
    "keepalives_count": None,
    "keepalives_idle": None,
    "keepalives_interval": None,
    "max_protocol_version": "PGMAXPROTOCOLVERSION",
    "min_protocol_version": "PGMINPROTOCOLVERSION",
    "replication": None,
    "require_auth": "PGREQUIREAUTH",
    "requirepeer": "PGREQUIREPEER",
    "sslcertmode": "PGSSLCERTMODE",
    "sslcompression": "PGSSLCOMPRESSION",
    "sslcrldir": "PGSSLCRLDIR",
    "sslsni": "PGSSLSNI",
    "tcp_user_timeout": None,
}

SERVER_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")
"""The variables that name a server or a database."""

SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
"""The values of target_session_attrs."""

_VARIABLES = {
    **SUPPORTED_PARAMETERS,
    **{name: variable for name, (variable, _) in FIXED_PARAMETERS.items()},
    **UNSUPPORTED_PARAMETERS,
}
_FILES = ("sslrootcert", "sslcrl", "sslcert", "sslkey")

_ENCODE = "write / as %2F, # as %23, ? as %3F, @ as %40 and % as %25 in a user and a password"

_Given = dict[str, tuple[str, str]]
"""What to call the parameter in an error, and its value, by the parameter's name."""


class DsnError(DatabaseError):
    """An address of a database cannot be used. The message quotes nothing that may belong to a password."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """One host of an address and its port. The host may be the folder of a socket."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Dsn:
    """An address of a database. Without `hosts` the driver tries the usual sockets, then localhost.

    `ports` has one port for each host. `connect_timeout` is in seconds, for each host.
    `target_session_attrs` is one of SESSION_ATTRIBUTES. `settings` are sent to the server, and
    `driver_parameters` are asyncpg's.
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    database: str | None
    user: str | None
    password: str | None = field(repr=False)
    passfile: str | None
    connect_timeout: float | None
    target_session_attrs: str
    settings: Mapping[str, str]
    driver_parameters: Mapping[str, str] = field(repr=False)

    @property
    def location(self) -> str:
        """The hosts and ports for an error or a log line, without user and password."""
        return ",".join(map(str, self.host_addresses)) or "the local server"

    @property
    def host_addresses(self) -> tuple["HostAddress", ...]:
        """Each host with its port."""
        return tuple(map(HostAddress, self.hosts, self.ports))

    @property
    def driver_url(self) -> str:
        """The URL to give to asyncpg beside the other fields; it holds `driver_parameters` alone."""
        return f"postgresql://?{urlencode(self.driver_parameters)}"


def parse_dsn(text: str, environment: Mapping[str, str] | None = None) -> Dsn:
    """Parse an address, completed by its service and by the PG* variables of `environment` (os.environ).

    Raises DsnError, which names the parameter or the variable that cannot be used.
    """
    environment = os.environ if environment is None else environment
    given = _parse_variables(environment)
    url: _Given = {name: (name, value) for name, value in _parse_url(text).items()}
    given = {**given, **_parse_service({**given, **url}), **url}
    _require_supported(given, quote_unknown="password" not in url and "sslpassword" not in url)
    values = {name: value for name, (_, value) in given.items()}
    hosts, ports = _parse_hosts(values)
    application_name = values.get("application_name") or values.get("fallback_application_name")
    settings = {"application_name": application_name, "options": values.get("options")}
    return Dsn(
        hosts=hosts,
        ports=ports,
        database=values.get("dbname"),
        user=values.get("user"),
        password=values.get("password"),
        passfile=values.get("passfile"),
        connect_timeout=_parse_timeout(given),
        target_session_attrs=_parse_session_attribute(given),
        settings={name: value for name, value in settings.items() if value},
        driver_parameters={name: values[name] for name in DRIVER_PARAMETERS if name in values},
    )


# The URL


def _parse_url(text: str) -> dict[str, str]:
    """The parameters of a URL, the authority's and the path's included, percent-decoded and not empty."""
    scheme, separator, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres") or not separator:
        raise DsnError(f"the address is not like {FORM}")
    if "#" in rest:
        raise DsnError(f"the address contains a #; {_ENCODE}")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    if "@" in path or ("@" not in authority and ":" in authority and "@" in query):
        raise DsnError(f"the address has a / or ? before its @; {_ENCODE}")
    parameters = {**_parse_authority(authority), "dbname": _decode(path), **_parse_query(query)}
    return {name: value for name, value in parameters.items() if value}


def _parse_authority(authority: str) -> dict[str, str]:
    credentials, at, location = authority.partition("@")
    if not at:
        credentials, location = "", authority
    if "@" in location:
        raise DsnError(f"the address contains two @; {_ENCODE}")
    user, _, password = credentials.partition(":")
    hosts: list[str] = []
    ports: list[str] = []
    for part in location.split(",") if location else ():
        match = re.fullmatch(r"(?P<host>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>[^:]*))?", part)
        if match is None:
            raise DsnError(f"the address has a host that is not like host:port or [address]:port; {_ENCODE}")
        hosts.append(_decode(match["host"].strip("[]")))
        ports.append(_decode(match["port"] or ""))
    return {
        "user": _decode(user),
        "password": _decode(password),
        "host": ",".join(hosts),
        "port": ",".join(ports) if any(ports) else "",
    }


def _parse_query(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise DsnError("the address has a parameter that is not written as name=value")
        name, value = _decode(name), _decode(value)
        if (name, value) == ("ssl", "true"):  # what JDBC calls sslmode=require
            name, value = "sslmode", "require"
        parameters["dbname" if name == "database" else name] = value
    return parameters


def _decode(text: str) -> str:
    if re.search(r"%(?![0-9a-fA-F]{2})", text) or "%00" in text:
        raise DsnError(f"the address contains a % without two digits; {_ENCODE}")
    return unquote(text)


# Services and variables


def _parse_variables(environment: Mapping[str, str]) -> _Given:
    return {
        name: (variable, environment[variable])
        for name, variable in _VARIABLES.items()
        if variable and environment.get(variable)
    }


def _parse_service(given: _Given) -> _Given:
    """The parameters of the service that `given` names; none if it names none."""
    label, service = given.get("service", ("", ""))
    if not service:
        return {}
    _, path = given.get("servicefile", ("", "~/.pg_service.conf"))
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises RuntimeError without a home
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    try:
        with file.open(encoding="utf-8") as lines:
            parser.read_file(lines)
    except OSError as error:
        raise DsnError(f"{label}: the file {file} cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError):  # the message quotes lines, which may hold a password
        raise DsnError(f"{label}: the file {file} is not made of [service] and name=value lines") from None
    if service not in parser:
        raise DsnError(f"{label}: the file {file} has no service [{service}]")
    return {name: (f"{name} of [{service}]", value) for name, value in parser[service].items() if value}


# Checks


def _require_supported(given: _Given, *, quote_unknown: bool) -> None:
    """Raise DsnError for the first parameter that has no effect here, or not the one that it asks for."""
    for name, (label, value) in given.items():
        if name in FIXED_PARAMETERS:
            accepted = FIXED_PARAMETERS[name][1]
            if value.lower() not in accepted:
                raise DsnError(f"{label} can only be {' or '.join(accepted)} here; leave it out")
        elif name in UNSUPPORTED_PARAMETERS:
            raise DsnError(f"{label} is not supported; leave it out")
        elif name not in SUPPORTED_PARAMETERS:
            subject = f"{label} is" if quote_unknown and re.fullmatch(r"[a-z_]+", name) else "the address has"
            raise DsnError(f"{subject} an unknown parameter; a server setting is options=-c%20name%3Dvalue")
        elif name in _FILES:
            _require_file(label, value)


def _require_file(label: str, value: str) -> None:
    if value == "system":
        raise DsnError(f"{label}=system is not supported; name a file of trusted certificates")
    try:
        Path(value).open("rb").close()
    except OSError as error:
        raise DsnError(f"{label}: the file {value} cannot be read: {error.strerror}") from None


def _parse_hosts(values: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The hosts, and a port for each; one port if no host is named."""
    hosts = tuple(values["host"].split(",")) if "host" in values else ()
    ports = tuple(map(_parse_port, values.get("port", "").split(",")))
    if not all(map(_is_host, hosts)):
        raise DsnError("the address has a host that is empty or not a valid name")
    if len(ports) == 1:
        ports *= len(hosts) or 1
    elif len(ports) != len(hosts):
        raise DsnError("the address has more or fewer ports than hosts")
    return hosts, ports


def _is_host(text: str) -> bool:
    try:
        return bool(text.encode("idna"))
    except UnicodeError:  # also for a path of a socket with a part of more than 63 characters
        return text.startswith("/")


def _parse_port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:
        raise DsnError(f"the address has a port that is not a number from 1 to 65535; {_ENCODE}")
    return int(text)


def _parse_timeout(given: _Given) -> float | None:
    """The connect_timeout in seconds; None if it is absent or 0, which is libpq's "no limit"."""
    label, text = given.get("connect_timeout", ("", "0"))
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise DsnError(f"{label} is not a whole number of seconds")
    return float(text) if int(text) > 0 else None


def _parse_session_attribute(given: _Given) -> str:
    label, text = given.get("target_session_attrs", ("", "any"))
    if text not in SESSION_ATTRIBUTES:
        raise DsnError(f"{label} can only be {' or '.join(SESSION_ATTRIBUTES)}")
    return text
