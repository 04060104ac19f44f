"""The database as reads and writes see it."""

from typing import Any, Protocol

from db.statements import ReadStatement, WriteStatement


class Database(Protocol):
    """What a read needs: a session, a pool, or one connection."""

    async def fetch(self, statement: ReadStatement, /, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows as instances of `record_class`."""
        ...


class WriteDatabase(Protocol):
    """What a write needs: a pool or one connection. A session of reads is none."""

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        """Run one statement that writes, once."""
        ...
