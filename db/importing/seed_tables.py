"""The values that generated books are drawn from, built from the word lists. Repetition is weight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TypeAlias

from db.importing import seed_words as words

CategoryPath: TypeAlias = tuple[str, ...]

_LANGUAGE_SHARES = (
    ("en", 76), ("fr", 12), ("de", 12), ("es", 9), ("it", 5), ("pt", 4), ("nl", 3), ("ru", 3), (None, 4),
)  # fmt: skip
_ROOT_SHARES = (23, 14, 11, 10, 9, 8, 6, 6, 5, 3, 3, 2)
_SUBJECT_SHARES = (38, 20, 15, 12, 9, 6)
_BRANCH_SHARES = (36, 25, 18, 13, 8)
_TWIG_SHARES = (50, 30, 20)
_CATEGORY_SLOTS = 65_536
_FORMAT_SHARES = (
    ("PAPERBACK", 60), ("HARDCOVER", 34), ("EBOOK", 16), ("AUDIOBOOK", 7), ("MASS_MARKET_PAPERBACK", 4),
    ("BOX_SET", 1), ("SPIRAL_BOUND", 1), ("BOARD_BOOK", 1), (None, 4),
)  # fmt: skip
_PRICE_ENDINGS = ("99", "99", "99", "95", "99", "50", "99", "00")


@dataclass(frozen=True, slots=True)
class Titles:
    """The parts of titles in one language."""

    heads: tuple[str, ...]
    seconds: tuple[str, ...]
    tails: tuple[str, ...]
    subtitles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentences:
    """The parts of descriptions, all in English."""

    openings: tuple[str, ...]
    themes: tuple[str, ...]
    turns: tuple[str, ...]
    praises: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Pairs of given and family name in the order of the authors, middle initials, and ancient names."""

    pairs: tuple[tuple[str, str], ...]
    initials: tuple[str, ...]
    ancients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedTables:
    """The values to draw from, weighted by repetition. Names and ISBNs depend on the seed."""

    languages: tuple[str | None, ...]
    titles: dict[str, Titles]
    names: Names
    sentences: Sentences
    categories: tuple[CategoryPath, ...]
    publishers: tuple[str, ...]
    formats: tuple[str | None, ...]
    series_forms: tuple[str, ...]
    prices: tuple[Decimal, ...]
    hundredths: tuple[Decimal, ...]
    isbn_weights: bytes
    isbn_offset: int


def build_tables(seed_hash: int) -> SeedTables:
    languages = tuple(language for language, share in _LANGUAGE_SHARES for _ in range(share))
    return SeedTables(
        languages=languages,
        titles={language: _titles(language) for language in words.CONJUNCTIONS},
        names=build_names(seed_hash),
        sentences=Sentences(
            openings=tuple(words.OPENINGS.split("|")),
            themes=tuple(words.THEMES.split("|")),
            turns=tuple(words.TURNS.split("|")),
            praises=tuple(words.PRAISES.split("|")),
        ),
        categories=_category_slots(),
        formats=tuple(format_ for format_, share in _FORMAT_SHARES for _ in range(share)),
        series_forms=tuple(words.SERIES_FORMS.split("|")),
        publishers=tuple(
            f"{family} {form}"
            for form in words.PUBLISHER_FORMS.split("|")
            for families in words.FAMILY_NAMES
            for family in families.split()
        ),
        prices=tuple(Decimal(f"{3 + (i * i * i >> 18)}.{_PRICE_ENDINGS[i & 7]}") for i in range(256)),
        hundredths=tuple(Decimal(i).scaleb(-2) for i in range(501)),
        isbn_weights=_isbn_weights(),
        isbn_offset=seed_hash,
    )


def build_names(seed_hash: int) -> Names:
    """Return the names of all authors.

    The lists have coprime lengths, so iterating over both at once yields every pair before one repeats. Each
    seed starts the lists at other positions. There are zero to three middle initials: none, A. to Z., A. A. to
    Z. Z., and so on.
    """
    cultures = [
        (_rotate(given.split(), seed_hash), _rotate(family.split(), seed_hash >> 8))
        for given, family in zip(words.GIVEN_NAMES, words.FAMILY_NAMES, strict=True)
    ]
    everyone = len(cultures[0][0]) * len(cultures[0][1])
    ancients, cities = words.ANCIENT_NAMES.split(), words.ANCIENT_CITIES.split()
    letters = tuple(f" {chr(65 + i)}." for i in range(26))
    return Names(
        pairs=tuple((g[i % len(g)], f[i % len(f)]) for i in range(everyone) for g, f in cultures),
        initials=tuple("".join(row) for length in range(4) for row in product(letters, repeat=length)),
        ancients=tuple(
            f"{ancients[i % len(ancients)]} of {cities[i % len(cities)]}"
            for i in range(len(ancients) * len(cities))
        ),
    )


def _rotate(names: Sequence[str], by: int) -> tuple[str, ...]:
    by %= len(names)
    return (*names[by:], *names[:by])


def _titles(language: str) -> Titles:
    if language == "en":
        heads, seconds = _english_heads("The ", "The ", "A ", ""), _english_heads("the ", "a ")
    else:
        heads = tuple(words.TITLE_HEADS[language].split("|"))
        seconds = tuple(head[0].lower() + head[1:] for head in heads)
    return Titles(
        heads=heads,
        seconds=tuple(f"{words.CONJUNCTIONS[language]} {second}" for second in seconds),
        tails=tuple(words.TITLE_TAILS[language].split("|")),
        subtitles=tuple(words.SUBTITLES[language].split("|")),
    )


def _english_heads(*articles: str) -> tuple[str, ...]:
    return tuple(
        f"{article}{adjective} {noun}"
        for article in articles
        for adjective in words.ENGLISH_ADJECTIVES.split()
        for noun in words.ENGLISH_NOUNS.split()
    )


def category_leaves() -> Iterator[tuple[CategoryPath, int]]:
    """Yield every leaf of the tree (12 roots, 6 subjects, 5 branches, 3 twigs) with its share of the books."""
    for (root, subjects, branches, twigs), root_share in zip(words.CATEGORIES, _ROOT_SHARES, strict=True):
        for subject, subject_share in zip(subjects.split("|"), _SUBJECT_SHARES, strict=True):
            for branch, branch_share in zip(branches.split("|"), _BRANCH_SHARES, strict=True):
                for twig, twig_share in zip(twigs.split("|"), _TWIG_SHARES, strict=True):
                    share = root_share * subject_share * branch_share * twig_share
                    yield (root, subject, branch, twig), share


def _category_slots() -> tuple[CategoryPath, ...]:
    """Return 65,536 slots, in which each leaf is repeated according to its share."""
    leaves = tuple(category_leaves())
    total = sum(share for _, share in leaves)
    slots: list[CategoryPath] = []
    share_sum = 0
    for path, share in leaves:
        share_sum += share
        slots.extend([path] * (share_sum * _CATEGORY_SLOTS // total - len(slots)))
    return tuple(slots)


def _isbn_weights() -> bytes:
    """Return the weighted digit sum of every four-digit group. Twelve digits are three such groups."""
    return bytes(n // 1000 + n // 100 % 10 * 3 + n // 10 % 10 + n % 10 * 3 for n in range(10_000))
