"""Generate a catalog of any number of plausible books, equal on every machine, for tests and benchmarks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from struct import Struct
from typing import TypeAlias

from db.importing.records import AuthorRecord, BookRecord
from db.importing.seed_tables import CategoryPath, Names, SeedTables, Sentences, Titles, build_tables

_Draws: TypeAlias = tuple[int, ...]

_CURRENCIES_OF_ENGLISH_BOOKS = ("USD", "USD", "USD", "USD", "USD", "GBP", "GBP", "EUR")
_CURRENCIES_OF_TRANSLATIONS = ("EUR", "EUR", "EUR", "EUR", "EUR", "EUR", "GBP", "USD")
_ROLES_OF_CONTEMPORARIES = ("AUTHOR",) * 12 + ("EDITOR", "ILLUSTRATOR", "CONTRIBUTOR", "INTRODUCTION")
_ROLES_OF_LATER_CONTRIBUTORS = ("TRANSLATOR", "TRANSLATOR", "EDITOR", "INTRODUCTION")
_LAST_YEAR = 2025

# Number of books of 65,536 without a value.
_WITHOUT_AUTHOR = 655
_WITHOUT_PUBLISHER = 4_600
_WITHOUT_YEAR = 2_600
_WITHOUT_PAGES = 3_300
_WITHOUT_PRICE = 5_243
_WITHOUT_ISBN = 5_243
_WITHOUT_DESCRIPTION = 7_900
_WITHOUT_RATING = 9_800
_WITHOUT_STOCK = 13_000
_WITHOUT_SERIES = 57_344

_EDITION_MASK = 31
"""One book in 32 is another edition of an earlier one."""

_DRAWS = Struct("<32H")  # blake2b's 64 bytes as 32 numbers below 65,536
_GOLDEN = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: its multiples are evenly distributed


def generate_books(count: int, seed: int = 1) -> Iterator[BookRecord]:
    """Yield books 1 to `count` of the catalog of `seed`, in bounded memory.

    A book depends only on its number and the seed, so a smaller catalog is a prefix of a larger one.
    """
    start = blake2b(f"bookstore {seed} ".encode(), digest_size=64)
    tables = build_tables(int.from_bytes(start.digest()[:4], "little"))

    def draw(number: int) -> _Draws:
        state = start.copy()
        state.update(number.to_bytes(8, "little"))
        return _DRAWS.unpack(state.digest())

    for number in range(1, count + 1):
        draws = draw(number)
        if draws[28] & _EDITION_MASK:
            yield _book(number, draws, tables)
        else:
            yield _edition(number, draws, draw, tables)


def _book(number: int, draws: _Draws, tables: SeedTables) -> BookRecord:
    """Generate one book. Each draw decides one property, so missing values are independent of the others."""
    language = tables.languages[draws[0] >> 9]
    title, subtitle = _title(tables.titles[language or "en"], draws)
    authors, written = _authors(number, draws, tables.names)
    year = None if draws[9] < _WITHOUT_YEAR else written
    price, currency = _price(language, draws[15], draws[16], tables.prices)
    series, position = _series(number, draws, tables)
    rating_average, rating_count = _rating(draws[17], draws[18], tables.hundredths)
    return BookRecord(
        row=number,
        source_id=str(number),
        title=title,
        subtitle=subtitle,
        series=series,
        series_position=position,
        isbn=None if draws[19] < _WITHOUT_ISBN else _isbn(number, tables.isbn_offset, tables.isbn_weights),
        description=None if draws[20] < _WITHOUT_DESCRIPTION else _description(draws, tables.sentences),
        language=language,
        publisher=_publisher(draws[24], draws[25], tables.publishers),
        format=tables.formats[(draws[24] ^ draws[20]) & 127],
        published_year=year,
        published_on=_day(year, draws[10]),
        page_count=None if draws[11] < _WITHOUT_PAGES else _pages(draws[11], draws[12]),
        price=price,
        currency=currency,
        stock=0 if price is None or draws[13] < _WITHOUT_STOCK else 1 + (draws[13] * draws[14] >> 26),
        rating_average=rating_average,
        rating_count=rating_count,
        authors=authors,
        categories=_categories(draws, tables.categories),
        work_key=_work_key(number, draws),
    )


def _work_key(number: int, draws: _Draws) -> str | None:
    """Return the source's key of the work of an original. It has one for one in four."""
    return f"w{number}" if draws[27] & 3 == 0 else None


def _edition(number: int, draws: _Draws, draw: Callable[[int], _Draws], tables: SeedTables) -> BookRecord:
    """Generate another edition of an earlier book: by its authors, in its categories, with its title.

    Some editions of a work with a key are translations.
    """
    book, original = _book(number, draws, tables), number
    while original > 1 and draws[28] & _EDITION_MASK == 0:
        original //= 2
        draws = draw(original)
    its, key = _book(original, draws, tables), _work_key(original, draws)
    translated = key is not None and number & 1 == 1 and book.language != its.language
    texts = book if translated else its
    return replace(
        book,
        title=texts.title,
        subtitle=texts.subtitle,
        language=texts.language,
        published_year=its.published_year,
        published_on=its.published_on,
        authors=its.authors,
        categories=its.categories,
        work_key=key,
    )


def _isbn(number: int, offset: int, weights: bytes) -> str:
    """Return a valid, unassigned ISBN-13, distinct for numbers up to 30 million.

    979-9 and 978-66 to 978-68 are assigned to no country or publisher (International ISBN Agency, range
    message of January 2026). So the ISBN differs from every real one and from the sample's (978-69).
    """
    if number & 1:
        body = 978_660_000_000 + (number * 18_541_019 + offset) % 30_000_000
    else:
        body = 979_900_000_000 + (number * 61_803_399 + offset) % 100_000_000
    weight = weights[body // 100_000_000] + weights[body // 10_000 % 10_000] + weights[body % 10_000]
    return str(body * 10 + -weight % 10)


def _series(number: int, draws: _Draws, tables: SeedTables) -> tuple[str, str | None] | tuple[None, None]:
    """Return the series of one book in eight, and the position. The first series are drawn most often."""
    if draws[5] < _WITHOUT_SERIES:
        return None, None
    place = draws[3] * draws[3] * (3 + number // 16) >> 32
    name, _ = _author_name(place, tables.names)
    kind, position = draws[14] & 15, str(1 + (draws[14] >> 4) % 12)
    return f"The {name} {tables.series_forms[place % len(tables.series_forms)]}", (
        None if kind == 0 else f"{position}.5" if kind == 1 else position
    )


def _publisher(size: int, draw: int, publishers: tuple[str, ...]) -> str | None:
    """Return a publisher. The first ones are drawn most often (density about 1 / √rank)."""
    return None if size < _WITHOUT_PUBLISHER else publishers[draw * draw * len(publishers) >> 32]


def _title(titles: Titles, draws: _Draws) -> tuple[str, str | None]:
    heads, tails, shape_draw = titles.heads, titles.tails, draws[1]
    title = heads[draws[2] * len(heads) >> 16]
    if shape_draw < 9_000:
        title = f"{title} {titles.seconds[draws[3] * len(titles.seconds) >> 16]}"
    if shape_draw < 3_000 or shape_draw >= 20_000:
        title = f"{title} {tails[draws[4] * len(tails) >> 16]}"
    subtitles = titles.subtitles
    return title, subtitles[draws[5] * 3 * len(subtitles) >> 16] if draws[5] < 21_845 else None


def _authors(number: int, draws: _Draws, names: Names) -> tuple[tuple[AuthorRecord, ...], int]:
    """Return the authors of a book, and the year in which its first author could have written it.

    The pool of authors grows with the catalog: book 1,000,000 draws from 437,540 people. The first ones are
    drawn most often (density about 1 / √rank), so the number of authors with a book is a quarter of the
    number of books.
    """
    pool_size = 40 + number * 7 // 16
    position = draws[6] << 16 | draws[7]
    lead = position * position * (0x1_0000_0000 + position) * pool_size >> 97
    born = _birth_year(lead)
    year = born + 22 + draws[8] % min(45, _LAST_YEAR - born - 21)
    if draws[21] < _WITHOUT_AUTHOR:
        return (), year
    first = _author(lead, "EDITOR" if draws[21] > 64_000 else "AUTHOR", born, names)
    if draws[22] >= 22_000:
        return (first,), year
    people = {lead: first}
    for draw in draws[23 : 24 if draws[22] > 8_500 else 25 if draws[22] > 2_600 else 26]:
        other = draw * draw * pool_size >> 32
        other_born = _birth_year(other)
        role = _role_of_contributor(born, other_born, draw)
        if role and other not in people:
            people[other] = _author(other, role, other_born, names)
    return tuple(people.values()), year


def _role_of_contributor(lead_born: int, born: int, draw: int) -> str | None:
    """Return the role of a contributor to the first author's book, or None if they lived long before."""
    if abs(born - lead_born) <= 60:
        return _ROLES_OF_CONTEMPORARIES[draw & 15]
    return _ROLES_OF_LATER_CONTRIBUTORS[draw & 3] if born > lead_born else None


def _birth_year(number: int) -> int:
    """Return a birth year, mostly in the twentieth century. One author in 128 lived before Christ."""
    scatter = (number * _GOLDEN & 0xFFFF_FFFF_FFFF_FFFF) >> 40
    if number % 128 == 77:
        return -500 + scatter % 400
    era, scatter = scatter & 63, scatter >> 6
    if era < 4:
        return 1560 + scatter % 300
    return 1860 + scatter % 60 if era < 10 else 1920 + scatter % 75


def _author(number: int, role: str, born: int, names: Names) -> AuthorRecord:
    """Return author `number`. One author in four has no life years, as in real catalogs."""
    name, sort_name = _author_name(number, names)
    known = number & 3 != 2
    return AuthorRecord(
        name,
        role,
        f"a{number + 1}",
        sort_name,
        born if known else None,
        born + 55 + number % 37 if known and born < 1925 else None,
    )


def _author_name(number: int, names: Names) -> tuple[str, str]:
    """Return a name and its sort name, unique per number: middle initials distinguish equal names."""
    if number % 128 == 77:
        lap, index = divmod(number // 128, len(names.ancients))
        name = f"{names.ancients[index]} ({lap + 1})" if lap else names.ancients[index]
        return name, name
    lap, index = divmod(number, len(names.pairs))
    given, family = names.pairs[index]
    given += names.initials[lap]
    return f"{given} {family}", f"{family}, {given}"


def _categories(draws: _Draws, slots: tuple[CategoryPath, ...]) -> tuple[CategoryPath, ...]:
    """Return one to three paths, the second often near the first. One book in eight is on an inner node."""
    first, second, shape_draw = draws[29], draws[30], draws[31]
    path = slots[first]
    if shape_draw & 7 == 0:
        path = path[: 1 + (shape_draw >> 3) % 3]
    if shape_draw < 39_000:
        return (path,)
    second_path = slots[(first + (second >> 4)) & 0xFFFF] if shape_draw & 8 else slots[second]
    if shape_draw < 58_000 or second_path == path:
        return (path,) if second_path == path else (path, second_path)
    third = slots[first ^ second]
    return (path, second_path) if third in (path, second_path) else (path, second_path, third)


def _price(
    language: str | None, size: int, choice: int, prices: tuple[Decimal, ...]
) -> tuple[Decimal, str] | tuple[None, None]:
    if choice < _WITHOUT_PRICE:
        return None, None
    return prices[size >> 8], (
        _CURRENCIES_OF_ENGLISH_BOOKS if language == "en" else _CURRENCIES_OF_TRANSLATIONS
    )[choice & 7]


def _rating(size: int, draw: int, hundredths: tuple[Decimal, ...]) -> tuple[Decimal | None, int]:
    """Return the average and the count.

    The bit count of a draw is bell-shaped without floating point; two to its power is log-normal.
    """
    if draw < _WITHOUT_RATING:
        return None, 0
    average = min(280 + 14 * draw.bit_count() + (size & 15), 500)
    return hundredths[average], 1 + ((64 + (draw & 63) << size.bit_count()) >> 10)


def _pages(size: int, draw: int) -> int:
    pages = 40 + 28 * size.bit_count() + (draw & 63)
    return pages * 3 if draw > 63_000 else pages


def _day(year: int | None, draw: int) -> date | None:
    if year is None or year < 1900 or draw >= 39_000:
        return None
    return date(year, 1 + draw % 12, 1 + draw // 12 % 28)


def _description(draws: _Draws, sentences: Sentences) -> str:
    openings, themes = sentences.openings, sentences.themes
    turns, praises = sentences.turns, sentences.praises
    first_draw, second_draw, third_draw = draws[26], draws[27], draws[28]
    theme = first_draw // 16 % len(themes)
    other = (theme + 1 + second_draw % (len(themes) - 1)) % len(themes)
    text = f"{openings[first_draw % len(openings)]} {themes[theme]} and {themes[other]}."
    if draws[20] < 24_000:
        return text
    text = f"{text} {turns[third_draw % len(turns)]} {themes[second_draw // 64 % len(themes)]}."
    return text if draws[20] < 46_000 else f"{text} {praises[third_draw // 8 % len(praises)]}"
