"""Every read statement as it runs: its plan, what that reads, and what in it would not stay fast.

A case calls a read function; the statements it sends are taken down and run once more under EXPLAIN, so
that no text is written twice. Parameters are taken from the catalog: the usual ones and the worst.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.database import Database

LARGE = 20_000
"""Reading so many rows of a table one after the other, or sorting so many, is too much for a page."""


@dataclass(frozen=True, slots=True)
class Case:
    """A call of a read function; its statements may touch `buffers` pages of 8 KB each at the most."""

    title: str
    call: Callable[[Database], Awaitable[object]]
    buffers: int


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement as it ran. `removed` are rows that were read and then dropped; `wrong` is what would not
    stay fast."""

    name: str
    case: str
    nodes: tuple[str, ...]
    indexes: tuple[str, ...]
    rows: int
    removed: int
    buffers: int
    bound: int
    milliseconds: float
    wrong: tuple[str, ...]


class Recorder:
    """A database that takes down what is sent to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sent: list[tuple[str, tuple[object, ...]]] = []

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        self.sent.append((query, args))
        return await self.database.fetch(query, *args, record_class=record_class)


async def explained(database: Database, cases: Sequence[Case], name: str | None = None) -> list[Explained]:
    """How the statements of the cases run, or those of one name alone; each has run once before."""
    found: list[Explained] = []
    for case in cases:
        recorder = Recorder(database)
        await case.call(recorder)
        for query, args in recorder.sent:
            if name in (None, name_of(query)):
                rows = await database.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *args)
                found.append(read(name_of(query), case, orjson.loads(rows[0][0])[0]))
    return found


def name_of(query: str) -> str:
    """The name in a statement's comment."""
    return query.split(maxsplit=2)[1]


def read(name: str, case: Case, output: dict[str, Any]) -> Explained:
    """What EXPLAIN's answer says."""
    plan = output["Plan"]
    nodes = list(nodes_of(plan))
    buffers = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    wrong = [fault for node in nodes if (fault := fault_of(node))]
    if buffers > case.buffers:
        wrong.append(f"{buffers:,} buffers instead of {case.buffers:,}")
    return Explained(
        name=name,
        case=case.title,
        nodes=tuple(dict.fromkeys(node["Node Type"] for node in nodes)),
        indexes=tuple(dict.fromkeys(node["Index Name"] for node in nodes if "Index Name" in node)),
        rows=round(plan["Actual Rows"] * plan["Actual Loops"]),
        removed=sum(removed_by(node) for node in nodes),
        buffers=buffers,
        bound=case.buffers,
        milliseconds=output["Execution Time"],
        wrong=tuple(wrong),
    )


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan's nodes, from the top down."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def removed_by(node: dict[str, Any]) -> int:
    """How many rows the node read and dropped."""
    each = sum(node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter", "Index Recheck"))
    return round(each * node["Actual Loops"])


def fault_of(node: dict[str, Any]) -> str | None:
    rows = round(node["Actual Rows"] * node["Actual Loops"])
    if node["Node Type"] == "Seq Scan" and rows + removed_by(node) > LARGE:
        return f"all of {node['Relation Name']} is scanned"
    if node["Node Type"] in ("Sort", "Incremental Sort"):
        sorted_ = max(
            (round(each["Actual Rows"] * each["Actual Loops"]) for each in node["Plans"]), default=0
        )
        if sorted_ > LARGE:
            return f"{sorted_:,} rows are sorted"
    return None
