from collections.abc import Sequence
from pathlib import Path

import pytest

from db.importing.readers import open_feed
from db.importing.readers.gutenberg import FILES, split_title
from db.importing.readers.gutenberg_shelves import Shelves
from db.importing.readers.gutenberg_subjects import CLASSES, subject_path
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import (
    import_error,
    read_books,
    read_one_book,
    read_records,
    write_table,
)

Row = dict[str, str]

AUSTEN = AuthorRecord(
    "Jane Austen", source_id="68", sort_name="Austen, Jane", birth_year=1775, death_year=1817
)

NOBODY = {"gutenberg_author_id": "", "author": "", "birthdate": "", "deathdate": ""}
JANE = {"gutenberg_author_id": "68", "author": "Austen, Jane", "birthdate": "1775", "deathdate": "1817"}


def work(key: str, title: str, author: Row = NOBODY, language: str = "en", shelf: str = "") -> Row:
    return {
        "gutenberg_id": key,
        "title": title,
        "author": author["author"],
        "gutenberg_author_id": author["gutenberg_author_id"],
        "language": language,
        "gutenberg_bookshelf": shelf,
        "rights": "Public domain in the USA.",
    }


def write_catalog(
    folder: Path,
    works: Sequence[Row],
    authors: Sequence[Row] = (JANE,),
    subjects: Sequence[tuple[str, str, str]] = (),
    languages: Sequence[tuple[str, str]] = (),
) -> Path:
    no_subject = dict.fromkeys(FILES["gutenberg_subjects.csv"], "")
    write_table(folder / "gutenberg_metadata.csv", *works)
    write_table(folder / "gutenberg_authors.csv", *authors)
    names = tuple(no_subject)
    rows = [dict(zip(names, subject, strict=True)) for subject in subjects]
    write_table(
        folder / "gutenberg_subjects.csv", *(rows or [{**no_subject, "subject_type": "lcc", "subject": "A"}])
    )
    rows = [{"gutenberg_id": key, "language": language} for key, language in languages]
    write_table(folder / "gutenberg_languages.csv", *(rows or [{"gutenberg_id": "0", "language": "en"}]))
    return folder


async def test_the_rows_of_a_work_become_one_book_with_its_authors_in_order(tmp_path: Path):
    john = {"gutenberg_author_id": "9", "author": "Roe, John", "birthdate": "-50", "deathdate": ""}
    folder = write_catalog(
        tmp_path,
        [work("7", "Emma", john), work("7", "Emma", JANE), work("7", "Emma", john), work("8", "Alone")],
        [JANE, john],
    )

    assert await read_books("gutenberg", folder) == [
        BookRecord(2, "7", "Emma", language="en", authors=(
            AuthorRecord("John Roe", source_id="9", sort_name="Roe, John", birth_year=-50), AUSTEN,
        )),
        BookRecord(5, "8", "Alone", language="en"),
    ]  # fmt: skip


async def test_rows_of_a_work_and_subjects_need_not_be_adjacent(tmp_path: Path):
    john = {"gutenberg_author_id": "9", "author": "Roe, John", "birthdate": "", "deathdate": ""}
    folder = write_catalog(
        tmp_path,
        [work("7", "Emma", JANE), work("2", "Other"), work("7", "Emma", john)],
        [john, JANE],
        [("7", "lcsh", "Love"), ("2", "lcc", "PR"), ("7", "lcsh", "England -- Fiction")],
    )

    other, emma = await read_books("gutenberg", folder)

    assert (other.source_id, other.row) == ("2", 3)
    assert other.categories == (("Library of Congress Classification", CLASSES["P"], "PR"),)
    assert (emma.source_id, emma.row) == ("7", 2)
    assert [author.source_id for author in emma.authors] == ["68", "9"]
    assert emma.categories == (("Love",), ("England", "Fiction"))


async def test_namesakes_and_pseudo_authors_keep_their_ids(tmp_path: Path):
    people = [
        {**NOBODY, "gutenberg_author_id": "116", "author": "Various"},
        {**NOBODY, "gutenberg_author_id": "216", "author": "Anonymous"},
        {**NOBODY, "gutenberg_author_id": "5", "author": "Smith, John"},
        {**NOBODY, "gutenberg_author_id": "6", "author": "Smith, John"},
    ]
    folder = write_catalog(tmp_path, [work("1", "Much", person) for person in people], people)

    book = await read_one_book("gutenberg", folder)

    assert [(author.source_id, author.name) for author in book.authors] == [
        *(("116", "Various"), ("216", "Anonymous"), ("5", "John Smith"), ("6", "John Smith")),
    ]


@pytest.mark.parametrize(
    ("text", "title", "subtitle"),
    [
        ("Emma", "Emma", None),
        ("Emma\r\nA  Novel\nIn Three Volumes ", "Emma", "A Novel In Three Volumes"),
        ("The Book of Sports:\nContaining Rules", "The Book of Sports", "Containing Rules"),
        ("The crowd : $b A study of the popular mind", "The crowd", "A study of the popular mind"),
        ("Eulogy\r\n$b Delivered at Hanover\r\n1874", "Eulogy", "Delivered at Hanover 1874"),
        ("Autobiography $c translated", "Autobiography", "translated"),
        ("The $30,000 Bequest", "The $30,000 Bequest", None),
        ("Emma:", "Emma:", None),
        (":\nEmma", ":", "Emma"),
    ],
)
def test_the_first_line_is_the_title_and_the_rest_the_subtitle(text: str, title: str, subtitle: str | None):
    assert split_title(text) == (title, subtitle)


async def test_a_work_without_a_title_is_rejected(tmp_path: Path):
    folder = write_catalog(tmp_path, [work("7", "Emma", JANE), work("8", " ", JANE)])

    _, reject = await read_records("gutenberg", folder)

    assert reject == Reject(3, "title", "", "a book needs a title")


async def test_the_first_language_is_used_or_else_that_of_the_languages_file(tmp_path: Path):
    works = [
        work("1", "One", language="de/en"),
        work("2", "Two", language="gla"),
        work("3", "Three", language=""),
    ]
    folder = write_catalog(tmp_path, works, languages=[("3", "fr"), ("3", "la"), ("1", "zu")])

    assert [book.language for book in await read_books("gutenberg", folder)] == ["de", "gd", "fr"]


async def test_a_bad_value_is_dropped_from_its_book_and_reported(tmp_path: Path):
    people = [
        {**JANE, "birthdate": "1817", "deathdate": "1775"},
        {**NOBODY, "gutenberg_author_id": "5", "author": "  "},
    ]
    works = [
        *(work("1", "One", JANE, language="klingon"), work("1", "One", people[1], language="klingon")),
        *(work("2", "Two", JANE), work("2", "Two", {**NOBODY, "gutenberg_author_id": "77"})),
        work("3", "Three", {**NOBODY, "gutenberg_author_id": "78", "author": "Roe, Jo"}),
        work("4", "Four", {**NOBODY, "author": "Roe, Jo"}, shelf="x" * 501),
    ]
    subjects = [("1", "lcc", "4"), ("1", "ddc", "820"), ("1", "lcsh", "--"), ("2", "lcsh", "a" * 501)]
    folder = write_catalog(tmp_path, works, people, subjects)

    found = await read_records("gutenberg", folder)

    def dropped_value(row: int, field: str, value: str, reason: str) -> Reject:
        return Reject(row, field, value, f"{reason}; imported without it", "field")

    long = "501 characters; 500 are allowed"
    assert found == [
        dropped_value(2, "birthdate", "1817 to 1775", "death before birth; correct one of the years"),
        dropped_value(3, "gutenberg_author_id", "5", "an author without a name"),
        dropped_value(2, "language", "klingon", 'not a language such as "en", "eng", "pt-BR" or "English"'),
        dropped_value(2, "subject", "4", "not a class of the Library of Congress"),
        dropped_value(2, "subject_type", "ddc", "neither lcsh nor lcc"),
        dropped_value(2, "categories", "", "a level has no name; write it, or leave out its >"),
        BookRecord(2, "1", "One", authors=(
            AuthorRecord("Jane Austen", source_id="68", sort_name="Austen, Jane"),
        )),
        dropped_value(5, "gutenberg_author_id", "77", "an author without a name"),
        dropped_value(4, "categories", "a" * 199 + "…", long),
        BookRecord(4, "2", "Two", language="en", authors=(
            AuthorRecord("Jane Austen", source_id="68", sort_name="Austen, Jane"),
        )),
        BookRecord(6, "3", "Three", language="en", authors=(
            AuthorRecord("Jo Roe", source_id="78", sort_name="Roe, Jo"),
        )),
        dropped_value(7, "categories", "x" * 199 + "…", long),
        BookRecord(7, "4", "Four", language="en", authors=(AuthorRecord("Jo Roe", sort_name="Roe, Jo"),)),
    ]  # fmt: skip


async def test_a_book_keeps_at_most_a_hundred_categories(tmp_path: Path):
    subjects = [("1", "lcsh", f"Subject {number}") for number in range(101)]
    folder = write_catalog(tmp_path, [work("1", "One")], subjects=subjects)

    reject, book = await read_records("gutenberg", folder)

    assert reject == Reject(
        2, "categories", "Subject 100",
        "more than 100 categories; imported without it", "field",
    )  # fmt: skip
    assert isinstance(book, BookRecord)
    assert book.categories == tuple((f"Subject {number}",) for number in range(100))


@pytest.mark.parametrize(
    ("kind", "subject", "path"),
    [
        ("lcsh", "Dogs -- Fiction", ("Dogs", "Fiction")),
        ("lcsh", "West Indies, British--History", ("West Indies, British", "History")),
        ("lcsh", "Jews -- Morocco --  Marrakech -- Fiction", ("Jews", "Morocco", "Marrakech", "Fiction")),
        ("lcsh", "Cooperatives --New York (State)", ("Cooperatives", "New York (State)")),
        ("lcc", "PR", ("Library of Congress Classification", "P: Language and literature", "PR")),
        ("lcc", "Z", ("Library of Congress Classification", "Z: Bibliography, library science")),
        ("lcc", "D501", ("Library of Congress Classification", "D: World history", "D501")),
    ],
)
def test_headings_and_classes_become_paths(kind: str, subject: str, path: tuple[str, ...]):
    assert subject_path(kind, subject) == path


def test_a_slash_inside_a_shelf_name_is_distinguished_from_one_between_shelves():
    shelves = Shelves()
    cells = [
        "Plays/Category: Plays/Films/Dramas/Category: Novels",
        "Category: Plays/Films/Dramas/Nobel Prizes in Literature",
        "Horror/Category: Novels/Nobel Prizes in Literature",
        "Category: Novels/Browsing: Psychiatry/Psychology",
        "Psychology/Category: Psychiatry/Psychology",
    ]

    for cell in cells:
        shelves.learn(cell)

    assert [list(shelves.names(cell)) for cell in cells] == [
        ["Plays", "Plays/Films/Dramas", "Novels"],
        ["Plays/Films/Dramas", "Nobel Prizes in Literature"],
        ["Horror", "Novels", "Nobel Prizes in Literature"],
        ["Novels", "Psychiatry/Psychology"],
        ["Psychology", "Psychiatry/Psychology"],
    ]


def test_a_part_that_follows_several_shelves_is_a_separate_shelf():
    shelves = Shelves()

    for cell in ("Category: Poetry/Nobel Prizes", "Category: Plays/Films/Nobel Prizes"):
        shelves.learn(cell)

    assert list(shelves.names("Category: Poetry/Nobel Prizes")) == ["Poetry", "Nobel Prizes"]


async def test_shelves_of_all_rows_are_imported_under_one_root(tmp_path: Path):
    works = [work("11", "Alice", shelf="Horror/Category: Novels"), work("11", "Alice", shelf="Horror")]

    book = await read_one_book("gutenberg", write_catalog(tmp_path, works))

    assert book.categories == (("Bookshelves", "Horror"), ("Bookshelves", "Novels"))


async def test_a_folder_without_one_of_the_files_is_rejected(tmp_path: Path):
    folder = write_catalog(tmp_path, [work("1", "One")])
    (folder / "gutenberg_subjects.csv").unlink()

    assert await import_error("gutenberg", folder) == (
        f"{folder}: gutenberg_subjects.csv is missing; the folder must contain {', '.join(FILES)}."
    )


async def test_a_path_that_is_not_a_folder_is_rejected(tmp_path: Path):
    folder = write_catalog(tmp_path, [work("1", "One")])
    file, none = folder / "gutenberg_metadata.csv", folder / "none"
    give = "give the folder that contains gutenberg_metadata.csv."

    assert await import_error("gutenberg", file) == f"{file}: is a file; {give}"
    assert await import_error("gutenberg", none) == f"{none}: there is no such folder; {give}"
    assert await import_error("gutenberg", folder, folder) == (
        "2 sources were given; give one folder that contains gutenberg_metadata.csv."
    )


@pytest.mark.parametrize("name", FILES)
async def test_a_file_with_other_columns_is_rejected(tmp_path: Path, name: str):
    folder = write_catalog(tmp_path, [work("1", "One")])
    path = write_table(folder / name, {"id": "1", "name": "x"})

    assert await import_error("gutenberg", folder) == (
        f"{path}: the column {FILES[name][0]} is missing; its headings are: id, name. Is this the right file?"
    )


async def test_an_incomplete_row_is_rejected_in_the_metadata_and_an_error_elsewhere(tmp_path: Path):
    folder = write_catalog(tmp_path, [work("1", "One")])
    for name in ("gutenberg_metadata.csv", "gutenberg_authors.csv"):
        path = folder / name
        before = path.read_text()
        path.write_text(before + "2,cut\n")

        if name == "gutenberg_metadata.csv":
            assert (await read_records("gutenberg", folder))[1] == Reject(
                3, "row", "", "the number of cells differs from the number of headings"
            )
            path.write_text(before)

    assert await import_error("gutenberg", folder) == (
        f"{path}: the number of cells in line 3 differs from the number of headings."
    )


async def test_the_progress_counts_the_metadata_twice(tmp_path: Path):
    folder = write_catalog(tmp_path, [work("1", "One")])
    feed = await open_feed("gutenberg", [folder])

    assert [len(batch) async for batch in feed.batches] == [1]

    sizes = {name: (folder / name).stat().st_size for name in FILES}
    assert feed.row_label(3) == "line 3"
    assert feed.total == feed.completed() == sum(sizes.values()) + sizes["gutenberg_metadata.csv"]
