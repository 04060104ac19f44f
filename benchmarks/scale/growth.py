"""Measure how a catalog grows, at several sizes, and forecast a larger one from the largest.

    python -m benchmarks.scale.growth --books 10000 100000 --forecast 50000000

For each size: an import on a primary with a hot standby, then a list of prices for a tenth of the books. The
bytes of all tables and indexes, the levels of the B-trees, the buffers of the read statements, and the times
of VACUUM and REINDEX. All runs in private folders, which are gone afterwards.
"""

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.scale.catalog_size import CatalogSize, Relation
from benchmarks.scale.growth_measures import (
    POSTGRES_OPTIONS,
    PRICED_SHARE,
    Growth,
    MeasuredImport,
    measure_growth,
)
from benchmarks.scale.private_postgres import run_private_postgres
from benchmarks.serving.__main__ import exit_on_signal

WIDTH = 132
"""Width of the tables in terminal columns."""

LISTED = 12
"""Number of the largest tables and indexes that are listed."""

PAGE_BUFFER_LIMIT = 250
"""Statements with at most this limit of buffers read a page of a list, or up to 20 keys."""


def duration(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.0f} min"


def gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def replay_seconds(measured: MeasuredImport) -> float:
    return measured.summary.seconds + measured.replay.catch_up_seconds


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line of the table of imports. `show_forecast` formats a value that grows with the books."""

    title: str
    value: Callable[[MeasuredImport], float]
    digits: int = 1
    show_forecast: Callable[[float], str] | None = None


IMPORT_LINES = (
    ImportLine("s", lambda each: each.summary.seconds, show_forecast=duration),
    ImportLine("books/s", lambda each: each.books / each.summary.seconds, 0),
    ImportLine("peak memory of the importer, MB", lambda each: each.summary.peak_memory_mb, 0),
    ImportLine("CPU of the importer, s", lambda each: each.importer_cpu, show_forecast=duration),
    ImportLine("CPU of the primary, s", lambda each: each.primary_cpu, show_forecast=duration),
    ImportLine("CPU of the standby, s", lambda each: each.replay.cpu_seconds, show_forecast=duration),
    ImportLine("WAL, bytes a book", lambda each: each.replay.wal_bytes / each.books, 0),
    ImportLine(
        "whole pages in it, bytes a book at most", lambda each: each.full_pages * 8192 / each.books, 0
    ),
    ImportLine("WAL, MB", lambda each: each.replay.wal_bytes / 1e6, 0, lambda size: gigabytes(size * 1e6)),
    ImportLine("standby behind at most, MB", lambda each: each.replay.max_lag_bytes / 1e6),
    ImportLine("standby behind at most, s", lambda each: each.replay.max_lag_seconds),
    ImportLine("standby caught up after, s", lambda each: each.replay.catch_up_seconds),
    ImportLine(
        "replay until caught up, MB/s", lambda each: each.replay.wal_bytes / 1e6 / replay_seconds(each)
    ),
    ImportLine("replay until caught up, books/s", lambda each: each.books / replay_seconds(each), 0),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale.growth", description="Measure how a catalog grows."
    )
    parser.add_argument("--books", type=int, nargs="+", default=[10_000, 50_000], help="sizes of catalogs")
    parser.add_argument("--forecast", type=int, default=50_000_000, help="size of the catalog to forecast")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, exit_on_signal)
    console = Console(width=WIDTH)
    measured: list[Growth] = []
    for books in sorted(options.books):
        with console.status(f"measuring {books:,} books"), run_private_postgres(POSTGRES_OPTIONS) as postgres:
            measured.append(measure_growth(postgres, books))
    for table in (
        imports_table(measured, options.forecast),
        tables_table(measured, options.forecast),
        indexes_table(measured, options.forecast),
        reads_table(measured),
        maintenance_table(measured, options.forecast),
    ):
        console.print(table)
    for growth in measured:
        for read in growth.reads:
            for problem in read.problems:
                console.print(f"{growth.books:,} books, {read.name}, {read.case}: {problem}", markup=False)
    console.print(
        f"The column FORECAST is no measurement: it scales that of {measured[-1].books:,} books in proportion"
        " to the books. Levels are 1 + log(leaf pages) to the base of the children of an inner page."
        f" The machine has {os.cpu_count()} cores; its load is {os.getloadavg()[0]:.1f}."
    )


def start_table(title: str, first: str, measured: Sequence[Growth], forecast: int | None = None) -> Table:
    """Return a table with a column for each size, and for the forecast."""
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for growth in measured:
        table.add_column(f"{growth.books:,}", justify="right")
    if forecast:
        table.add_column(f"FORECAST\n{forecast:,}", justify="right")
    return table


def imports_table(measured: Sequence[Growth], forecast: int) -> Table:
    table = start_table("Imports, and their replay by a hot standby", "books", measured, forecast)
    factor = forecast / measured[-1].books
    for title, imports in (
        ("first import", [each.first for each in measured]),
        (f"prices of 1 book in {PRICED_SHARE}", [each.prices for each in measured]),
    ):
        for line in IMPORT_LINES:
            values = [line.value(each) for each in imports]
            cells = [f"{value:,.{line.digits}f}" for value in values]
            if line.show_forecast:
                cells.append(line.show_forecast(values[-1] * factor))
            table.add_row(f"{title}: {line.title}", *cells)
        table.add_section()
    return table


def tables_table(measured: Sequence[Growth], forecast: int) -> Table:
    table = start_table("Bytes of a book: table + its indexes", "table", measured, forecast)
    last = measured[-1].size
    for relation in last.tables[:LISTED]:
        cells = [
            f"{size_of(each.size, relation.table) / each.books:,.0f} + "
            f"{each.size.index_size_of(relation.table) / each.books:,.0f}"
            for each in measured
        ]
        total = size_of(last, relation.table) + last.index_size_of(relation.table)
        table.add_row(relation.name, *cells, gigabytes(total * forecast / last.books))
    table.add_section()
    table.add_row(
        "all tables",
        *(f"{each.size.size / each.books:,.0f}" for each in measured),
        gigabytes(last.size * forecast / last.books),
    )
    table.add_row(
        "pages above the leaves of the B-trees",
        *(f"{each.size.inner_pages * 8192 / each.books:,.1f}" for each in measured),
        gigabytes(last.inner_pages * 8192 * forecast / last.books),
    )
    return table


def size_of(size: CatalogSize, table: str) -> int:
    return sum(each.size for each in size.tables if each.table == table)


def indexes_table(measured: Sequence[Growth], forecast: int) -> Table:
    table = start_table(
        "The largest indexes: bytes of a book, and pages that a search reads", "index", measured, forecast
    )
    last = measured[-1]
    factor = forecast / last.books
    for relation in last.size.indexes[:LISTED]:
        cells = [index_cell(each, relation.name) for each in measured]
        levels = f", {relation.tree.forecast_levels(factor)} levels" if relation.tree else ""
        table.add_row(
            f"{relation.name} ({relation.method})", *cells, gigabytes(relation.size * factor) + levels
        )
    table.add_section()
    trees = [max(each.tree.levels for each in growth.size.indexes if each.tree) for growth in measured]
    deepest = max(each.tree.forecast_levels(factor) for each in last.size.indexes if each.tree)
    table.add_row("deepest B-tree of the catalog", *(f"{each} levels" for each in trees), f"{deepest} levels")
    return table


def index_cell(growth: Growth, name: str) -> str:
    found: Relation = next(each for each in growth.size.indexes if each.name == name)
    levels = f", {found.tree.levels} levels" if found.tree else ""
    return f"{found.size / growth.books:,.0f}{levels}"


def reads_table(measured: Sequence[Growth]) -> Table:
    """Return the most buffers that a statement read, over all of its cases of pages and keys."""
    table = start_table(
        "Buffers of 8 KB at most: pages of 20 books, and up to 20 keys", "statement", measured
    )
    most = [most_buffers(growth) for growth in measured]
    for name in dict.fromkeys(name for each in most for name in each):
        table.add_row(name, *(str(each.get(name, "")) for each in most))
    table.add_section()
    table.add_row("executions explained, with searches", *(f"{len(each.reads):,}" for each in measured))
    problems = [sum(bool(read.problems) for read in each.reads) for each in measured]
    table.add_row("executions with a problem", *(f"{each:,}" for each in problems))
    return table


def most_buffers(growth: Growth) -> dict[str, int]:
    most: dict[str, int] = {}
    for read in growth.reads:
        if read.buffer_limit <= PAGE_BUFFER_LIMIT:
            most[read.name] = max(most.get(read.name, 0), read.buffers)
    return most


def maintenance_table(measured: Sequence[Growth], forecast: int) -> Table:
    table = start_table("VACUUM (ANALYZE) + REINDEX TABLE, in seconds", "table", measured, forecast)
    last = measured[-1]
    factor = forecast / last.books
    longest = sorted(last.vacuum, key=lambda name: -last.vacuum[name] - last.reindex[name])[:LISTED]
    for name in longest:
        cells = [f"{each.vacuum[name]:,.1f} + {each.reindex[name]:,.1f}" for each in measured]
        spent = f"{duration(last.vacuum[name] * factor)} + {duration(last.reindex[name] * factor)}"
        table.add_row(name, *cells, spent)
    table.add_section()
    totals = [(sum(each.vacuum.values()), sum(each.reindex.values())) for each in measured]
    spent = " + ".join(duration(each * factor) for each in totals[-1])
    table.add_row("all tables", *(f"{vacuum:,.1f} + {reindex:,.1f}" for vacuum, reindex in totals), spent)
    return table


if __name__ == "__main__":
    main()
