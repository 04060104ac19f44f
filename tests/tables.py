"""Tables of measurements, printed at the end of a test run. Workers of xdist print none: run with -n 0."""

import pytest

TABLES: dict[str, list[str]] = {}


def note(columns: str, *cells: object) -> None:
    """Add a row to the table with these columns, given as "one | another"."""
    TABLES.setdefault(columns, []).append(" | ".join(str(cell) for cell in cells))


def print_tables(reporter: pytest.TerminalReporter) -> None:
    for columns, rows in TABLES.items():
        rule = " | ".join("---" for _ in columns.split(" | "))
        for row in ("", columns, rule, *rows):
            reporter.write_line(f"| {row} |" if row else "")
