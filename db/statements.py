"""Statements: SQL texts with a name and a way of planning, by whether they read or write."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class ReadStatement:
    """A statement that changes no data, so that it may run a second time after a lost connection.

    `text` is what PostgreSQL receives. With `cached_plan`, PostgreSQL may keep one plan for all values.
    Without it, each execution is planned for its values: a plan that suits a rare word reads for seconds
    with a frequent one.
    """

    name: str
    sql: str
    cached_plan: bool = field(default=True, kw_only=True)
    text: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _text_with_name(self.name, self.sql))


@dataclass(frozen=True, slots=True, eq=False)
class WriteStatement:
    """A statement that changes data, so that it never runs a second time. PostgreSQL receives `text`."""

    name: str
    sql: str
    text: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _text_with_name(self.name, self.sql))


@dataclass(frozen=True, slots=True, eq=False)
class StatementTemplate:
    """A read statement in whose SQL some `{parts}` are still open. It cannot be run before `fill`."""

    name: str
    sql: str

    def fill(self, **parts: str) -> ReadStatement:
        """Return the statement with each part in its place."""
        return ReadStatement(self.name, self.sql.format(**parts))


def _text_with_name(name: str, sql: str) -> str:
    """Return the SQL behind a comment with the name, which is seen in pg_stat_activity."""
    return f"/* {name} */ {sql.strip()}"
