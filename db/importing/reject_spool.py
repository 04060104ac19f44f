"""The rejects of a running import, kept on disk until all are known, and then read in the order of their rows."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter, itemgetter

from db.importing.records import Reject, RejectedRow

_CREATE_TABLES = """
CREATE TABLE reject (row INTEGER NOT NULL, fault TEXT NOT NULL);
CREATE TABLE needed (row INTEGER NOT NULL);
CREATE TABLE parent (row INTEGER NOT NULL);
"""

_INSERT_REJECT = "INSERT INTO reject (row, fault) VALUES (?, ?)"
_INSERT_NEEDED = "INSERT INTO needed (row) VALUES (?)"
_INSERT_PARENT = "INSERT INTO parent (row) VALUES (?)"

_REJECTS = "SELECT row, fault FROM reject ORDER BY rowid"

_ROW_NUMBERS = "SELECT row FROM reject UNION SELECT row FROM needed ORDER BY row"

# NULLs sort first. A needed row that is rejected, too, is a rejected row.
_FAULTS_BY_ROW = """
SELECT row, fault, rowid FROM reject
UNION ALL SELECT row, NULL, NULL FROM needed
UNION ALL SELECT row, NULL, NULL FROM parent
ORDER BY 1, 3
"""

_fault_of_reject = attrgetter("field", "value", "reason", "dropped", "source_id", "title", "first_row")

_SEPARATOR = " | "
"""What separates the fields, values and reasons of a row with several faults."""

_NEEDED = "not rejected: a rejected row refers to this one; leave it as it is"


class RejectSpool:
    """Rejects in a temporary database on disk. All methods raise sqlite3.Error."""

    __slots__ = ("_connection",)

    def __init__(self) -> None:
        self._connection = sqlite3.connect("")
        self._connection.executescript(_CREATE_TABLES)

    def add(self, reject: Reject) -> None:
        self._connection.execute(_INSERT_REJECT, (reject.row, json.dumps(_fault_of_reject(reject))))
        if reject.first_row:
            self._connection.execute(_INSERT_NEEDED, (reject.first_row,))

    def add_parents(self, find_parents: Callable[[Iterator[int]], Iterable[int]]) -> None:
        """Add the rows to which the others refer. `find_parents` receives the numbers of the others in order."""
        numbers = (row for (row,) in self._connection.execute(_ROW_NUMBERS))
        self._connection.executemany(_INSERT_PARENT, ((row,) for row in find_parents(numbers)))

    def rejects(self) -> Iterator[Reject]:
        """Yield the rejects in the order in which they were added."""
        for row, fault in self._connection.execute(_REJECTS):
            yield Reject(row, *json.loads(fault))

    def rows(self, row_label: Callable[[int], str]) -> Iterator[RejectedRow]:
        """Yield the rows in their order, each with all of its faults, and the rows to which they refer."""
        for row, faults in groupby(self._connection.execute(_FAULTS_BY_ROW), itemgetter(0)):
            rejects = [Reject(row, *json.loads(fault)) for _, fault, _ in faults if fault is not None]
            label = row_label(row).removeprefix("row ")
            yield _join(label, rejects) if rejects else _needed_row(row, label)

    def close(self) -> None:
        self._connection.close()


def _join(label: str, rejects: list[Reject]) -> RejectedRow:
    return RejectedRow(
        rejects[0].row,
        label,
        _SEPARATOR.join(reject.field for reject in rejects),
        _SEPARATOR.join(reject.value for reject in rejects),
        _SEPARATOR.join(reject.reason for reject in rejects),
        next((reject.source_id for reject in rejects if reject.source_id), ""),
        next((reject.title for reject in rejects if reject.title), ""),
    )


def _needed_row(row: int, label: str) -> RejectedRow:
    return RejectedRow(row, label, "", "", _NEEDED, "", "", is_needed=True)
