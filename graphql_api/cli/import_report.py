"""Print the plan of an import, and what the import did."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from db.importing.options import EDITOR, LATER_CHANGE
from db.importing.plan import Example, Plan
from db.importing.readers.feed import ReadingNotes
from db.importing.summary import Summary

_CELLS = {
    "repaired": "{} cells, repaired",
    "placeholder": '{} cells that say nothing, such as "n/a"',
    "damaged": '{}s with damaged letters, such as "�" or "Ã©"',
    "not published": "{}s that are not published, left out",
}
"""What the reader counts of each kind of cells; the placeholder is their field."""


def print_guesses(notes: ReadingNotes) -> None:
    """Print how the files seem to be written."""
    for guess in notes.guesses:
        click.echo(f"Guessed: {guess}.")


def print_plan(plan: Plan) -> None:
    """Print which columns are read, and what changes, with examples."""
    renamed = [f"{heading} is read as {field}" for heading, field in plan.columns if heading != field]
    if renamed:
        click.echo(f"Columns: {'; '.join(renamed)}.")
    click.echo(f"Fields that this import sets: {', '.join(plan.fields) or 'none'}.")
    if plan.ignored_headings:
        click.echo(
            f"Columns that are not read: {', '.join(plan.ignored_headings)}. "
            "Read one with --map COLUMN=FIELD."
        )
    print_changes(plan)


def print_changes(plan: Plan) -> None:
    """Print which books change, with examples."""
    _print_examples("new books", plan.counts.new, plan.new_examples, plan.row_label)
    for change in plan.changes:
        _print_examples(f"changed {change.field}", change.books, change.examples, plan.row_label)
    _print_examples("books published again", plan.counts.published, plan.published_examples, plan.row_label)
    if plan.unpublished:
        what, count = "unpublished books, missing from this import", plan.unpublished
    else:
        what = "missing books, deleted" if plan.deleted else "books missing from this import, kept"
        count = plan.counts.missing_from_feed
    _print_examples(what, count, plan.missing_examples, plan.row_label)


def _print_examples(
    what: str, count: int, examples: Iterable[Example], row_label: Callable[[int], str]
) -> None:
    if not count:
        return
    click.echo(f"{count:,} {what}")
    for example in examples:
        row = f"{row_label(example.row)}: " if example.row else ""
        change = (
            f": {example.old or '(empty)'} -> {example.new or '(empty)'}"
            if example.old or example.new
            else ""
        )
        click.echo(f"    {row}{example.key} {example.title or ''}{change}")


@dataclass(frozen=True, slots=True)
class ImportedFiles:
    """The files that an import writes, and the command that imports its rejects, if there is one."""

    rejects: Path
    missing: Path
    command: str = ""


def print_summary(summary: Summary, files: ImportedFiles | None = None) -> None:
    """Print the counts, the duration and the memory use of an import, and the files that it wrote."""
    title = f"{summary.source}{' (dry run: nothing was written)' if summary.dry_run else ''}"
    table = Table(title=title, min_width=len(title))
    table.add_column("")
    table.add_column("rows", justify="right")
    for label, count in _counts(summary):
        table.add_row(label, f"{count:,}")
    Console().print(table)
    for line in _closing_lines(summary, files):
        click.echo(line)
    click.echo(f"{summary.seconds:.1f} s, {summary.peak_memory_mb:.0f} MB of memory")


def _counts(summary: Summary) -> list[tuple[str, int]]:
    """Return the counts of rows and books, and of everything else those that are not 0."""
    plan = summary.plan
    others = [
        ("rows of unknown books, skipped", summary.skipped),
        ("dropped values", summary.dropped_values),
        *((_CELLS[kind].format(field), count) for (field, kind), count in sorted(plan.notes.counts.items())),
        ("deleted books, missing from this import", plan.deleted),
        ("unpublished books, missing from this import", plan.unpublished),
        ("kept books, missing from this import", summary.missing_kept),
        *((field.replace("_", " "), count) for field, count in asdict(summary.merged).items()),
    ]
    return [
        ("read", summary.read),
        ("new books", summary.new),
        ("changed books", summary.changed),
        *((f"  changed {change.field}", change.books) for change in plan.changes),
        *([("  published again", plan.counts.published)] if plan.counts.published else []),
        *([("  unpublished", plan.counts.unpublished)] if plan.counts.unpublished else []),
        ("unchanged books", summary.unchanged),
        ("rejected rows", summary.rejected),
        *(each for each in others if each[1]),
    ]


def _closing_lines(summary: Summary, files: ImportedFiles | None) -> list[str]:
    """Return what the counts alone do not say."""
    lines = [
        f"{kept.field} of {kept.books:,} {kept.items} kept: {_describe_owner(kept.owner)}."
        for kept in summary.kept
    ]
    if summary.plan.ignored_headings:
        lines.append(f"Columns that were not read: {', '.join(summary.plan.ignored_headings)}.")
    if summary.imported_nothing:
        lines.append("0 rows changed: no row could be imported.")
    elif summary.changed_nothing:
        rest = "every other row" if summary.rejected or summary.skipped else "the catalog"
        lines.append(f"0 rows changed: {rest} already matches this import.")
    if files and (summary.rejected or summary.dropped_values or summary.skipped):
        lines += _describe_rejects(summary, files)
    if summary.plan.counts.of_sample:
        lines.append(
            f"The catalog also holds the sample of {summary.plan.counts.of_sample} books; "
            "`bookstore sample remove` deletes it."
        )
    if files and (summary.plan.deleted or summary.plan.unpublished):
        done = "deleted" if summary.plan.deleted else "unpublished"
        lines.append(f"The {done} books are listed in {files.missing}.")
    if not summary.dry_run and not summary.changed_nothing:
        lines.append(f"This is import {summary.number}; `bookstore undo {summary.number}` sets it back.")
    return lines


def _describe_rejects(summary: Summary, files: ImportedFiles) -> list[str]:
    if summary.kept_rejects_file:
        return [f"{files.rejects} is as it was; --rejects FILE writes what is rejected now to another file."]
    lines = [f"The rejected rows and their reasons are in {files.rejects}."]
    if files.command and not summary.dry_run:
        lines.append(f"Correct them there, and import that file by itself: {files.command}")
    return lines


def _describe_owner(owner: str) -> str:
    if owner == EDITOR:
        return "they were edited by hand (--overwrite-edits sets them)"
    if owner == LATER_CHANGE:
        return "they were changed since"
    return f"they belong to {owner} (--owner-of sets them from now on)"
