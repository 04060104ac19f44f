"""The vocabulary: the words of titles and authors with their numbers of books, and words near a typed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.database import Database
from db.search.light_words import LIGHT_WORDS
from db.search.typed_words import TypedWord
from db.statements import ReadStatement

STEMMERS = (
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "finnish", "swedish",
)  # fmt: skip
"""The stemmers whose stems make two words inflections of one."""

MAX_NEAR_WORDS = 60
"""Maximum number of near words that are read for one typed word."""

_MAX_COMPLETIONS = 500
"""Maximum number of words that are read to weigh those that start with the last word of a text."""

_LIGHT_WORD_BOOKS = 1_000
"""One book in this many has a word that says little, or none has."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the catalog, or of a text: then its numbers may be 0.

    `books` have it in their title or authors, `popular_books` of them have the highest popularity, and about
    `documents` have it in any field.
    """

    word: str
    books: int = 0
    popular_books: int = 0
    documents: int = 0

    @property
    def weight(self) -> float:
        """How likely it is that a reader means this word."""
        return self.books + 30 * self.popular_books


@dataclass(frozen=True, slots=True)
class WordFacts:
    """What the vocabulary knows about a typed word.

    `lexemes` are its parts in a search document, mostly one. `near` words are a few letters away, and
    `inflections` have the same stem. `cuts` are the pairs of words that it is made of. `joined` are the words
    that it makes with the next typed words, each with the number of typed words. `completions` are all words
    that start with it, together. `is_light`: it says little.
    """

    typed: TypedWord
    lexemes: tuple[str, ...]
    word: Word
    near: tuple[Word, ...] = ()
    inflections: tuple[Word, ...] = ()
    cuts: tuple[tuple[Word, Word], ...] = ()
    joined: tuple[tuple[int, Word], ...] = ()
    completions: Word = Word("")
    is_light: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The facts of a text's words, in their order, and the number of books of the catalog."""

    words: tuple[WordFacts, ...] = ()
    books: int = 0


def _stems_sql(word: str) -> str:
    return "ARRAY[" + ", ".join(f"(ts_lexize('{name}_stem', {word}))[1]" for name in STEMMERS) + "]"


_COUNTS = "{0}.word, {0}.books, {0}.popular_books, {0}.documents"

# Lexemes are those of the documents. A word that is several of them is looked up in no other way.
_TYPED_SQL = """
    SELECT t.n::integer, l.lexemes, w.word, length(w.word) AS length, coalesce(s.books, 0) AS books,
           coalesce(s.popular_books, 0) AS popular_books, coalesce(s.documents, 0) AS documents
    FROM unnest($1::text[]) WITH ORDINALITY AS t (form, n)
    CROSS JOIN LATERAL (SELECT tsvector_to_array(words(t.form)) AS lexemes) AS l
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(l.lexemes) = 1 THEN l.lexemes[1] ELSE '' END AS word
    ) AS w
    LEFT JOIN search_word AS s ON s.word = w.word
"""

# An exchange of neighbours is two edits for levenshtein(), and one for edit_distance().
_NEAR_SQL = f"""
    SELECT k.n, 'near', NULL, {_COUNTS.format("c")}, NULL
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT {_COUNTS.format("s")} FROM search_word AS s
        WHERE deletion_keys(s.word) && deletion_keys(k.word) AND s.word <> k.word AND s.books > 0
          AND length(s.word) BETWEEN k.length - 2 AND k.length + 2
          AND levenshtein_less_equal(s.word, k.word, 3) <= 3
        ORDER BY levenshtein_less_equal(s.word, k.word, 3) <= 2 DESC, s.books + 30 * s.popular_books DESC
        LIMIT {MAX_NEAR_WORDS}
    ) AS c
    WHERE k.length BETWEEN 3 AND 40 AND k.word !~ '^\\d+$'
"""

_INFLECTIONS_SQL = f"""
    SELECT k.n, 'inflection', NULL, {_COUNTS.format("s")}, NULL
    FROM known AS k
    CROSS JOIN LATERAL (SELECT {_stems_sql("k.word")} AS stems) AS t
    CROSS JOIN LATERAL (SELECT left(k.word, greatest(4, k.length - 3)) AS start) AS r
    JOIN search_word AS s ON s.word >= r.start AND s.word < r.start || chr(1114111)
    WHERE k.length BETWEEN 4 AND 40 AND s.word <> k.word AND s.books > 0
      AND length(s.word) BETWEEN k.length - 4 AND k.length + 4
      AND EXISTS (SELECT FROM unnest({_stems_sql("s.word")}, t.stems) AS stem (a, b) WHERE a = b)
    UNION ALL
    SELECT k.n, 'inflection', NULL, {_COUNTS.format("s")}, NULL
    FROM known AS k
    JOIN search_word AS s ON s.word = replace(replace(replace(k.word, 'ae', 'a'), 'oe', 'o'), 'ue', 'u')
    WHERE s.word <> k.word AND s.books > 0
"""

# OFFSET 0 forces a lookup per half. The planner expects 1,000 halves, and would hash the whole vocabulary.
_CUTS_SQL = f"""
    SELECT k.n, 'cut', NULL, {_COUNTS.format("h")}, c.place
    FROM known AS k
    CROSS JOIN LATERAL generate_series(1, k.length - 1) AS c (place)
    CROSS JOIN LATERAL (
        SELECT {_COUNTS.format("s")} FROM search_word AS s
        WHERE s.word = left(k.word, c.place) AND s.books > 0 OFFSET 0
    ) AS a
    CROSS JOIN LATERAL (
        SELECT {_COUNTS.format("s")} FROM search_word AS s
        WHERE s.word = substr(k.word, c.place + 1) AND s.books > 0 OFFSET 0
    ) AS b
    CROSS JOIN LATERAL (VALUES ({_COUNTS.format("a")}), ({_COUNTS.format("b")}))
        AS h (word, books, popular_books, documents)
    WHERE k.books < 3 AND k.length BETWEEN 4 AND 40
"""

_WORDS_OF_TEXT = ReadStatement(
    "words_of_text",
    f"""
WITH known AS MATERIALIZED ({_TYPED_SQL})
SELECT n, 'typed' AS kind, lexemes, word, books, popular_books, documents, NULL::integer AS place FROM known
UNION ALL {_NEAR_SQL}
UNION ALL {_INFLECTIONS_SQL}
UNION ALL {_CUTS_SQL}
UNION ALL
SELECT j.n, 'joined', NULL, {_COUNTS.format("s")}, j.size
FROM unnest($2::integer[], $3::integer[], $4::text[]) AS j (n, size, form)
JOIN search_word AS s ON s.word = fold(j.form) AND s.books > 0
UNION ALL
SELECT k.n, 'completion', NULL, '', coalesce(sum(c.books), 0)::integer,
       coalesce(sum(c.popular_books), 0)::integer, coalesce(sum(c.documents), 0)::integer, NULL
FROM (SELECT n, word FROM known ORDER BY n DESC LIMIT 1) AS k
LEFT JOIN LATERAL (
    SELECT s.books, s.popular_books, s.documents FROM search_word AS s
    WHERE s.word > k.word AND s.word < k.word || chr(1114111) AND k.word <> '' LIMIT {_MAX_COMPLETIONS}
) AS c ON true
GROUP BY k.n
UNION ALL
SELECT 0, 'catalog', NULL, '', books::integer, 0, 0, NULL FROM catalog_size
""",
)


async def words_of_text(database: Database, typed: Sequence[TypedWord]) -> Vocabulary:
    """Return what the vocabulary knows about the words of a text."""
    joins = _possible_joins(typed)
    rows = await database.fetch(
        _WORDS_OF_TEXT,
        [word.form for word in typed],
        [start for start, _, _ in joins],
        [size for _, size, _ in joins],
        [form for _, _, form in joins],
    )
    rows_by_place: dict[int, list[_Row]] = {}
    for place, *row in rows:
        rows_by_place.setdefault(place, []).append(_Row(*row))
    [catalog] = rows_by_place[0]
    words = (_word_facts(word, rows_by_place[n], catalog.books) for n, word in enumerate(typed, 1))
    return Vocabulary(tuple(words), catalog.books)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of words_of_text, without the place of its typed word."""

    kind: str
    lexemes: Sequence[str] | None
    text: str
    books: int
    popular_books: int
    documents: int
    size: int

    @property
    def word(self) -> Word:
        return Word(self.text, self.books, self.popular_books, self.documents)


def _word_facts(typed: TypedWord, rows: Sequence[_Row], books: int) -> WordFacts:
    def found(kind: str) -> tuple[Word, ...]:
        return tuple(row.word for row in rows if row.kind == kind)

    [word] = found("typed")
    halves = found("cut")
    return WordFacts(
        typed,
        tuple(typed.grams or next(row.lexemes for row in rows if row.lexemes is not None)),
        word,
        found("near"),
        found("inflection"),
        tuple(zip(halves[::2], halves[1::2], strict=True)),
        tuple((row.size, row.word) for row in rows if row.kind == "joined"),
        next(iter(found("completion")), Word("")),
        _is_light(word, books),
    )


def _is_light(word: Word, books: int) -> bool:
    """Return whether a word of LIGHT_WORDS says little here: not if few books have it."""
    return word.word in LIGHT_WORDS and (not word.documents or word.documents * _LIGHT_WORD_BOOKS >= books)


def _possible_joins(typed: Sequence[TypedWord]) -> list[tuple[int, int, str]]:
    """Return the neighbours that could be one word: their place, their number, and the word.

    These are two words, or all initials of a run.
    """
    joins = [(n, 2, a.form + b.form) for n, (a, b) in enumerate(pairwise(typed), 1)]
    start = 0
    for n in range(len(typed) + 1):
        if n == len(typed) or len(typed[n].form) > 1:
            if n - start > 2:
                joins.append((start + 1, n - start, "".join(word.form for word in typed[start:n])))
            start = n + 1
    return joins
