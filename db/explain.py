"""EXPLAIN of every read statement: its plan, its buffers, and problems that grow with the catalog.

A case calls a read function. The statements it sends are recorded and run again under EXPLAIN, so that no
statement is written twice. The parameters come from the catalog: typical ones and the worst ones.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from db.database import Database
from db.statements import ReadStatement

_MAX_ROWS_SCANNED_OR_SORTED = 20_000
"""Maximum number of rows that a statement may read in a sequential scan, or sort."""


@dataclass(frozen=True, slots=True)
class ExplainCase:
    """A call of a read function. Each of its statements may use at most `buffer_limit` buffers of 8 KB."""

    title: str
    call: Callable[[Database], Awaitable[object]]
    buffer_limit: int


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """The execution of a statement.

    `rows_discarded` is the number of rows that were read and filtered out. `problems` describes
    why the statement would become slow as the catalog grows.
    """

    name: str
    case: str
    nodes: tuple[str, ...]
    indexes: tuple[str, ...]
    rows: int
    rows_discarded: int
    buffers: int
    buffer_limit: int
    milliseconds: float
    problems: tuple[str, ...]


def explain_case(
    title: str, buffer_limit: int, read: Callable[..., Awaitable[object]], *arguments: Any, **options: Any
) -> ExplainCase:
    """Return the case of a call of `read` with the database and the arguments."""

    async def call(database: Database) -> object:
        return await read(database, *arguments, **options)

    return ExplainCase(title, call, buffer_limit)


class Recorder:
    """A database that records the statements sent to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sent: list[tuple[ReadStatement, tuple[object, ...]]] = []

    async def fetch(self, statement: ReadStatement, *args: object, record_class: Any = None) -> list[Any]:
        self.sent.append((statement, args))
        return await self.database.fetch(statement, *args, record_class=record_class)


async def run_cases(
    database: Database, cases: Sequence[ExplainCase], name: str | None = None
) -> list[ExplainResult]:
    """Explain the statements of the cases, or only those with the given name. Each has run once before."""
    results: list[ExplainResult] = []
    for case in cases:
        recorder = Recorder(database)
        await case.call(recorder)
        for statement, args in recorder.sent:
            if name in (None, statement.name):
                output = await explain_statement(database, statement, args)
                results.append(_parse_explain_output(statement.name, case, output))
    return results


async def explain_statement(
    database: Database, statement: ReadStatement, args: Sequence[object]
) -> dict[str, Any]:
    """Run a statement under EXPLAIN and return the JSON output, decoded."""
    explained = replace(statement, sql=f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}")
    rows = await database.fetch(explained, *args)
    return orjson.loads(rows[0][0])[0]


def count_buffers(output: dict[str, Any]) -> int:
    """Return the number of shared buffers that the statement read, from the cache or from the disk."""
    plan = output["Plan"]
    return plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)


def _parse_explain_output(name: str, case: ExplainCase, output: dict[str, Any]) -> ExplainResult:
    """Return the result that the JSON output of EXPLAIN describes."""
    plan = output["Plan"]
    nodes = list(_walk_plan_nodes(plan))
    buffers = count_buffers(output)
    problems = [problem for node in nodes if (problem := _find_problem(node))]
    if buffers > case.buffer_limit:
        problems.append(f"{buffers:,} buffers used, limit {case.buffer_limit:,}")
    return ExplainResult(
        name=name,
        case=case.title,
        nodes=tuple(dict.fromkeys(node["Node Type"] for node in nodes)),
        indexes=tuple(dict.fromkeys(node["Index Name"] for node in nodes if "Index Name" in node)),
        rows=round(plan["Actual Rows"] * plan["Actual Loops"]),
        rows_discarded=sum(_rows_removed(node) for node in nodes),
        buffers=buffers,
        buffer_limit=case.buffer_limit,
        milliseconds=output["Execution Time"],
        problems=tuple(problems),
    )


def _walk_plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the plan's nodes, parents before children."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from _walk_plan_nodes(child)


def _rows_removed(node: dict[str, Any]) -> int:
    """Return the number of rows that the node read and filtered out."""
    filters = ("Filter", "Join Filter", "Index Recheck")
    rows_per_loop = sum(node.get(f"Rows Removed by {filter_}", 0) for filter_ in filters)
    return round(rows_per_loop * node["Actual Loops"])


def _find_problem(node: dict[str, Any]) -> str | None:
    """Return a description of the node's problem, if it has one."""
    rows = round(node["Actual Rows"] * node["Actual Loops"])
    if node["Node Type"] == "Seq Scan" and rows + _rows_removed(node) > _MAX_ROWS_SCANNED_OR_SORTED:
        return f"sequential scan of {node['Relation Name']}"
    if node["Node Type"] in ("Sort", "Incremental Sort"):
        rows_sorted = max(
            (round(child["Actual Rows"] * child["Actual Loops"]) for child in node["Plans"]), default=0
        )
        if rows_sorted > _MAX_ROWS_SCANNED_OR_SORTED:
            return f"sort of {rows_sorted:,} rows"
    return None
