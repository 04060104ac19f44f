"""Reads the gutenberg format: Project Gutenberg's catalog as the four files of the gutenbergr package.

One row of the metadata is one author of one work, so a book is made of several rows; its number is
that of the first. Works and authors are keyed by Gutenberg's ids: namesakes stay apart, and the
pseudo-authors "Various" and "Anonymous" are authors like others, kept because their ids are the only
thing that says "nobody in particular" for thousands of works. Everybody's role is author: the
catalog tells no other. What a value's mistake costs is that value (a reject that drops a field), but
a work without a title is dropped.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from db.importing import fields
from db.importing.fields import CategoryPath, FieldError
from db.importing.readers.delivery import Delivery, Rows, in_batches
from db.importing.readers.files import Progress, folder_files, total_bytes
from db.importing.readers.gutenberg_names import clean_name, spoken_name
from db.importing.readers.gutenberg_shelves import Shelves, shelf_path
from db.importing.readers.gutenberg_subjects import SUBJECT_COLUMNS, Subjects, read_subjects
from db.importing.readers.tables import check_columns, table_rows, whole_rows
from db.importing.records import AuthorRecord, BookRecord, Reject

METADATA_COLUMNS = (
    *("gutenberg_id", "title", "author", "gutenberg_author_id", "language"),
    "gutenberg_bookshelf",
)
AUTHOR_COLUMNS = ("gutenberg_author_id", "author", "birthdate", "deathdate")
LANGUAGE_COLUMNS = ("gutenberg_id", "language")

FILES: Mapping[str, Sequence[str]] = {
    "gutenberg_metadata.csv": METADATA_COLUMNS,
    "gutenberg_authors.csv": AUTHOR_COLUMNS,
    "gutenberg_subjects.csv": SUBJECT_COLUMNS,
    "gutenberg_languages.csv": LANGUAGE_COLUMNS,
}

# Titles of the last years carry the subfield codes of their MARC record: "The crowd : $b A study".
_SUBFIELD = re.compile(r"\s\$[a-z]\b:?")


@dataclass(slots=True)
class Work:
    """What the rows of one work have said so far."""

    row: int
    title: str
    language: str
    shelves: list[str] = field(default_factory=list[str])
    authors: list[AuthorRecord] = field(default_factory=list[AuthorRecord])


@dataclass(slots=True)
class Index:
    """What is known of works and authors before the works are read, by their ids."""

    rows: Counter[str]
    shelves: Shelves
    languages: dict[str, str]
    authors: dict[str, AuthorRecord]
    subjects: Subjects
    faults: dict[str, FieldError]


def open_gutenberg(sources: Sequence[Path | str]) -> Delivery:
    """The works of the folder. The metadata is read twice, and the progress counts it so."""
    paths = folder_files(sources, tuple(FILES))
    for path, columns in zip(paths, FILES.values(), strict=True):
        check_columns(path, columns)
    progress = Progress()
    return Delivery(
        source="gutenberg",
        batches=in_batches(_works(paths, progress)),
        total=total_bytes(paths) + total_bytes(paths[:1]),
        unit="bytes",
        position=progress.position,
    )


def _works(paths: Sequence[Path], progress: Progress) -> Rows:
    index = _index(paths, progress)
    begun: dict[str, Work] = {}
    for row, cells in table_rows(paths[0], METADATA_COLUMNS, progress):
        if cells is None:
            yield Reject(row, "row", "", "not as many cells as there are headings")
            continue
        key, title, name, author_id, language, shelf = (cell.strip() for cell in cells)
        work = begun.setdefault(key, Work(row, title, language or index.languages.get(key, "")))
        if shelf:
            work.shelves.append(shelf)
        yield from _add_author(work, row, author_id, name, index)
        index.rows[key] -= 1
        if not index.rows[key]:
            yield from _book(key, begun.pop(key), index)


def _add_author(work: Work, row: int, author_id: str, name: str, index: Index) -> Rows:
    author = index.authors.get(author_id)
    if author is not None:
        work.authors.append(author)
        fault = index.faults.pop(author_id, None)
        if fault is not None:
            yield _dropped(row, fault)
    elif author_id or name:
        try:
            work.authors.append(_author(author_id, name))
        except FieldError as error:
            yield _dropped(row, error)


def _book(key: str, work: Work, index: Index) -> Rows:
    row = work.row
    try:
        source_id = fields.source_id(key, None)
        title, subtitle = titles(work.title)
    except FieldError as error:
        yield Reject(row, error.field, error.value, error.reason)
        return
    language = None
    try:
        language = fields.language(work.language.partition("/")[0])
    except FieldError as error:
        yield _dropped(row, error)
    paths, faults = _categories(key, work, index)
    for fault in faults:
        yield _dropped(row, fault)
    yield BookRecord(
        row=row,
        source_id=source_id,
        title=title,
        subtitle=subtitle,
        language=language,
        authors=fields.distinct_authors(work.authors),
        categories=paths,
    )


def _dropped(row: int, error: FieldError) -> Reject:
    return Reject(row, error.field, error.value, f"{error.reason}; imported without it", "field")


def _categories(key: str, work: Work, index: Index) -> tuple[tuple[CategoryPath, ...], list[FieldError]]:
    """The paths of the work's subjects, then of its shelves, as many as a book can have."""
    subjects, faults = index.subjects.of(key)
    paths = dict.fromkeys(subjects)
    for name in (name for cell in work.shelves for name in index.shelves.names(cell)):
        try:
            paths[shelf_path(name)] = None
        except FieldError as error:
            faults = [*faults, error]
    kept = tuple(paths)[: fields.CATEGORIES]
    for path in tuple(paths)[fields.CATEGORIES :]:
        reason = f"beyond the {fields.CATEGORIES} categories a book can have"
        faults = [*faults, FieldError("categories", " > ".join(path), reason)]
    return kept, faults


def titles(text: str) -> tuple[str, str | None]:
    """The first line as the title, the rest as the subtitle; a MARC subfield begins a line, too."""
    first, *rest = _SUBFIELD.sub("\n", text).splitlines() or [""]
    subtitle = fields.subtitle(" ".join(rest))
    title = fields.title(first)
    return (title.rstrip(" ,:;=/") or title, subtitle) if subtitle else (title, None)


def _author(key: str, name: str, birth: int | None = None, death: int | None = None) -> AuthorRecord:
    sort_name = fields.line("author", clean_name(name), fields.NAME_LENGTH)
    if not sort_name:
        raise FieldError("gutenberg_author_id", key, "an author without a name")
    return AuthorRecord(
        name=fields.line("author", spoken_name(sort_name), fields.NAME_LENGTH),
        source_id=key or None,
        sort_name=sort_name,
        birth_year=birth,
        death_year=death,
    )


def _index(paths: Sequence[Path], progress: Progress) -> Index:
    """A first pass over all files."""
    metadata, authors, subjects, languages = paths
    index = Index(Counter(), Shelves(), {}, {}, read_subjects(subjects, progress), {})
    without_language: set[str] = set()
    for _, cells in table_rows(metadata, METADATA_COLUMNS, progress):
        if cells is not None:
            key = cells[0].strip()
            index.rows[key] += 1
            index.shelves.learn(cells[5])
            if not cells[4].strip():
                without_language.add(key)
    for key, language in whole_rows(languages, LANGUAGE_COLUMNS, progress):
        if key in without_language:
            index.languages.setdefault(key, language)
    for key, name, born, died in whole_rows(authors, AUTHOR_COLUMNS, progress):
        _learn_author(index, key, name, born, died)
    return index


def _learn_author(index: Index, key: str, name: str, born: str, died: str) -> None:
    try:
        birth, death = fields.life(
            "birthdate", fields.year("birthdate", born), fields.year("deathdate", died)
        )
    except FieldError as error:
        birth = death = None
        index.faults[key] = error
    try:
        index.authors[key] = _author(key, name, birth, death)
    except FieldError as error:
        index.faults[key] = error
