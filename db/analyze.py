"""The statements of one operation, with the rows, the time and the buffers of each."""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg

from db.explain import count_buffers, explain_statement, statement_name


@dataclass(frozen=True, slots=True)
class MeasuredStatement:
    """A statement that was run: its rows, the milliseconds until they arrived, and its buffers of 8 KB."""

    name: str
    rows: int
    milliseconds: float
    buffers: int


@dataclass(frozen=True, slots=True)
class _SentStatement:
    query: str
    args: tuple[object, ...]
    rows: int
    milliseconds: float


class MeasuringDatabase:
    """A database that measures the statements sent to it. They run one at a time, over one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._sent: list[_SentStatement] = []

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows."""
        async with self._lock:
            start = perf_counter()
            rows = await self._connection.fetch(query, *args, record_class=record_class)
            milliseconds = (perf_counter() - start) * 1000
        self._sent.append(_SentStatement(query, args, len(rows), milliseconds))
        return rows

    def forget(self) -> None:
        """Forget the statements sent so far."""
        self._sent.clear()

    async def measured_statements(self) -> list[MeasuredStatement]:
        """Return the statements in the order they ended. Each runs once more, to count its buffers."""
        return [
            MeasuredStatement(
                statement_name(sent.query),
                sent.rows,
                sent.milliseconds,
                count_buffers(await explain_statement(self._connection, sent.query, sent.args)),
            )
            for sent in self._sent
        ]
