"""Read the gutenberg format: Project Gutenberg's catalog as the four files of the gutenbergr package.

- One row of the metadata is one author of one work. A book is built from several rows; its row number is that
  of the first.
- Works and authors are keyed by Gutenberg's ids, so authors with the same name stay distinct.
- The pseudo-authors "Various" and "Anonymous" are imported as authors: their ids are the only mark of
  thousands of works without a known author.
- Every person has the role author: the catalog contains no other role.
- An invalid value is dropped and the book is imported without it. A work without a title is rejected.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from db.constraints import MAX_NAME_LENGTH, MAX_TITLE_LENGTH
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.readers.csv_tables import read_complete_rows, read_table_rows, require_columns
from db.importing.readers.feed import Feed, RecordStream, batch_records
from db.importing.readers.files import BytesRead, RowLocator, require_folder_files, total_bytes
from db.importing.readers.formats import FeedOptions, Format
from db.importing.readers.gutenberg_names import clean_name, direct_order_name
from db.importing.readers.gutenberg_shelves import Shelves, shelf_path
from db.importing.readers.gutenberg_subjects import SUBJECT_COLUMNS, Subjects, read_subjects
from db.importing.records import AuthorRecord, BookRecord, Reject

_METADATA_COLUMNS = (
    *("gutenberg_id", "title", "author", "gutenberg_author_id", "language"),
    "gutenberg_bookshelf",
)
_FIELDS = frozenset(("source_id", "title", "subtitle", "language", "authors", "categories"))
_AUTHOR_COLUMNS = ("gutenberg_author_id", "author", "birthdate", "deathdate")
_LANGUAGE_COLUMNS = ("gutenberg_id", "language")

FILES: Mapping[str, Sequence[str]] = {
    "gutenberg_metadata.csv": _METADATA_COLUMNS,
    "gutenberg_authors.csv": _AUTHOR_COLUMNS,
    "gutenberg_subjects.csv": SUBJECT_COLUMNS,
    "gutenberg_languages.csv": _LANGUAGE_COLUMNS,
}

# Recent titles contain the subfield codes of their MARC record: "The crowd : $b A study".
_SUBFIELD = re.compile(r"\s\$[a-z]\b:?")


@dataclass(slots=True)
class _Work:
    """The data of one work, collected from the rows read so far."""

    row: int
    title: str
    language: str
    shelves: list[str] = field(default_factory=list[str])
    authors: list[AuthorRecord] = field(default_factory=list[AuthorRecord])


@dataclass(slots=True)
class _Index:
    """Lookup data by work id and author id, built by the first pass."""

    rows_left: Counter[str]
    shelves: Shelves
    languages: dict[str, str]
    authors: dict[str, AuthorRecord]
    subjects: Subjects
    faults: dict[str, FieldError]


def open_gutenberg(sources: Sequence[Path | str], _options: FeedOptions) -> Feed:
    """Open a feed of the folder's works. The metadata is read twice, and is counted twice in the total."""
    paths = require_folder_files(sources, tuple(FILES))
    for path, columns in zip(paths, FILES.values(), strict=True):
        require_columns(path, columns)
    bytes_read = BytesRead()
    return Feed(
        source="gutenberg",
        batches=batch_records(_read_books(paths, bytes_read)),
        total=total_bytes(paths) + total_bytes(paths[:1]),
        unit="bytes",
        completed=bytes_read.count,
        row_label=RowLocator(unit="line").label,
        fields=_FIELDS,
    )


FORMAT = Format(
    "gutenberg", open_gutenberg, "the folder with the four CSV files of Project Gutenberg's catalog"
)


def _read_books(paths: Sequence[Path], bytes_read: BytesRead) -> RecordStream:
    index = _build_index(paths, bytes_read)
    open_works: dict[str, _Work] = {}
    for row, cells in read_table_rows(paths[0], _METADATA_COLUMNS, bytes_read):
        if cells is None:
            yield Reject(row, "row", "", "the number of cells differs from the number of headings")
            continue
        key, title, name, author_id, language, shelf = (cell.strip() for cell in cells)
        work = open_works.setdefault(key, _Work(row, title, language or index.languages.get(key, "")))
        if shelf:
            work.shelves.append(shelf)
        yield from _add_author(work, row, author_id, name, index)
        index.rows_left[key] -= 1
        if not index.rows_left[key]:
            yield from _finish_work(key, open_works.pop(key), index)


def _add_author(work: _Work, row: int, author_id: str, name: str, index: _Index) -> RecordStream:
    author = index.authors.get(author_id)
    if author is not None:
        work.authors.append(author)
        fault = index.faults.pop(author_id, None)
        if fault is not None:
            yield _dropped_value(row, fault)
    elif author_id or name:
        try:
            work.authors.append(_build_author(author_id, name))
        except FieldError as error:
            yield _dropped_value(row, error)


def _finish_work(key: str, work: _Work, index: _Index) -> RecordStream:
    row = work.row
    try:
        source_id = field_parsers.parse_source_id(key, None)
        title, subtitle = split_title(work.title)
    except FieldError as error:
        yield Reject(row, error.field, error.value, error.reason)
        return
    language = None
    try:
        language = field_parsers.parse_language(work.language.partition("/")[0])
    except FieldError as error:
        yield _dropped_value(row, error)
    paths, faults = _collect_categories(key, work, index)
    for fault in faults:
        yield _dropped_value(row, fault)
    yield BookRecord(
        row=row,
        source_id=source_id,
        title=title,
        subtitle=subtitle,
        language=language,
        authors=field_parsers.deduplicate_authors(work.authors),
        categories=paths,
    )


def _dropped_value(row: int, error: FieldError) -> Reject:
    return Reject(row, error.field, error.value, f"{error.reason}; imported without it", "field")


def _collect_categories(
    key: str, work: _Work, index: _Index
) -> tuple[tuple[CategoryPath, ...], list[FieldError]]:
    """Return the paths of the work's subjects, then of its shelves, up to MAX_CATEGORIES; and the errors."""
    subjects, faults = index.subjects.paths_and_faults(key)
    paths = dict.fromkeys(subjects)
    for name in (name for cell in work.shelves for name in index.shelves.names(cell)):
        try:
            paths[shelf_path(name)] = None
        except FieldError as error:
            faults = [*faults, error]
    kept = tuple(paths)[: field_parsers.MAX_CATEGORIES]
    for path in tuple(paths)[field_parsers.MAX_CATEGORIES :]:
        reason = f"more than {field_parsers.MAX_CATEGORIES} categories"
        faults = [*faults, FieldError("categories", " > ".join(path), reason)]
    return kept, faults


def split_title(text: str) -> tuple[str, str | None]:
    """Return the first line as the title, the rest as the subtitle. A MARC subfield also begins a line."""
    first, *other_lines = _SUBFIELD.sub("\n", text).splitlines() or [""]
    subtitle = field_parsers.parse_literal_line("subtitle", " ".join(other_lines), MAX_TITLE_LENGTH)
    title = field_parsers.parse_literal_line("title", first, MAX_TITLE_LENGTH)
    if title is None:
        raise FieldError("title", first, "a book needs a title")
    return (title.rstrip(" ,:;=/") or title, subtitle) if subtitle else (title, None)


def _build_author(key: str, name: str, birth: int | None = None, death: int | None = None) -> AuthorRecord:
    sort_name = field_parsers.parse_single_line("author", clean_name(name), MAX_NAME_LENGTH)
    if not sort_name:
        raise FieldError("gutenberg_author_id", key, "an author without a name")
    return AuthorRecord(
        name=field_parsers.parse_single_line("author", direct_order_name(sort_name), MAX_NAME_LENGTH),
        source_id=key or None,
        sort_name=sort_name,
        birth_year=birth,
        death_year=death,
    )


def _build_index(paths: Sequence[Path], bytes_read: BytesRead) -> _Index:
    """Run the first pass over all files."""
    metadata, authors, subjects, languages = paths
    index = _Index(Counter(), Shelves(), {}, {}, read_subjects(subjects, bytes_read), {})
    without_language: set[str] = set()
    for _, cells in read_table_rows(metadata, _METADATA_COLUMNS, bytes_read):
        if cells is not None:
            key = cells[0].strip()
            index.rows_left[key] += 1
            index.shelves.learn(cells[5])
            if not cells[4].strip():
                without_language.add(key)
    for key, language in read_complete_rows(languages, _LANGUAGE_COLUMNS, bytes_read):
        if key in without_language:
            index.languages.setdefault(key, language)
    for key, name, born, died in read_complete_rows(authors, _AUTHOR_COLUMNS, bytes_read):
        _index_author(index, key, name, born, died)
    return index


def _index_author(index: _Index, key: str, name: str, born: str, died: str) -> None:
    try:
        birth, death = field_parsers.check_life_years(
            "birthdate",
            field_parsers.parse_year("birthdate", born),
            field_parsers.parse_year("deathdate", died),
        )
    except FieldError as error:
        birth = death = None
        index.faults[key] = error
    try:
        index.authors[key] = _build_author(key, name, birth, death)
    except FieldError as error:
        index.faults[key] = error
