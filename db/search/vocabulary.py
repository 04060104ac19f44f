"""The vocabulary: the words of titles and authors with their numbers of books, and words near a typed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.database import Database
from db.search.light_words import LIGHT_WORDS
from db.search.typed_words import TypedWord
from db.statements import ReadStatement

STEMMERS = ("english", "german", "french", "spanish", "italian", "portuguese", "dutch", "finnish", "swedish")
"""The stemmers whose stems make two words inflections of one."""


_LIGHT_WORD_BOOKS = 1_000
"""One book in this many has a word that says little, or none has."""

_MAX_COMPLETIONS = 500
"""Maximum number of words that are read to weigh those that start with the last word of a text."""


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

    `lexemes` are its parts in a search document, mostly one. `near` words are a few letters away, `inflections`
    have the same stem, and `cuts` are the pairs of words that it is made of. `joined` is the word that it makes
    with the next typed word. `completions` are all words that start with it, together. `is_light`: it says little.
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


_WORDS_OF_TEXT = ReadStatement(
    "words_of_text",
    f"""
WITH typed AS MATERIALIZED (
    SELECT t.n, l.lexemes, CASE WHEN cardinality(l.lexemes) = 1 THEN l.lexemes[1] END AS word
    FROM unnest($1::text[]) WITH ORDINALITY AS t (form, n)
    CROSS JOIN LATERAL (SELECT tsvector_to_array(words(t.form)) AS lexemes) AS l
),
known AS MATERIALIZED (
    SELECT t.n, t.lexemes, t.word, coalesce(s.books, 0) AS books, coalesce(s.popular_books, 0) AS popular_books,
           coalesce(s.documents, 0) AS documents, length(t.word) AS length
    FROM typed t LEFT JOIN search_word s ON s.word = t.word
)
SELECT n::integer, 'typed' AS kind, lexemes, coalesce(word, '') AS word, books, popular_books, documents, NULL::integer AS place
FROM known
UNION ALL
SELECT k.n::integer, 'near', NULL, c.word, c.books, c.popular_books, c.documents, NULL
FROM known k
CROSS JOIN LATERAL (
    SELECT s.word, s.books, s.popular_books, s.documents
    FROM search_word s
    WHERE deletion_keys(s.word) && deletion_keys(k.word) AND s.word <> k.word
      AND length(s.word) BETWEEN k.length - 2 AND k.length + 2 AND s.books > 0
      AND levenshtein_less_equal(s.word, k.word, 3) <= 3
    ORDER BY levenshtein_less_equal(s.word, k.word, 3) <= 2 DESC, s.books + 30 * s.popular_books DESC LIMIT 60
) c
WHERE k.length BETWEEN 3 AND 40 AND k.word !~ '^\\d+$'
UNION ALL
SELECT k.n::integer, 'inflection', NULL, s.word, s.books, s.popular_books, s.documents, NULL
FROM known k
CROSS JOIN LATERAL (SELECT {_stems_sql("k.word")} AS stems) AS t
CROSS JOIN LATERAL (SELECT left(k.word, greatest(4, k.length - 3)) AS start) AS r
JOIN search_word s ON s.word >= r.start AND s.word < r.start || chr(1114111) AND s.word <> k.word
WHERE k.length BETWEEN 4 AND 40 AND length(s.word) BETWEEN k.length - 4 AND k.length + 4 AND s.books > 0
  AND EXISTS (SELECT FROM unnest({_stems_sql("s.word")}, t.stems) AS both_stems (a, b) WHERE a = b)
UNION ALL
SELECT k.n::integer, 'inflection', NULL, s.word, s.books, s.popular_books, s.documents, NULL
FROM known k
JOIN search_word s ON s.word = replace(replace(replace(k.word, 'ae', 'a'), 'oe', 'o'), 'ue', 'u') AND s.books > 0
WHERE s.word <> k.word
UNION ALL
SELECT k.n::integer, 'cut', NULL, h.word, h.books, h.popular_books, h.documents, c.place
FROM known k
CROSS JOIN LATERAL generate_series(1, k.length - 1) AS c (place)
JOIN search_word a ON a.word = left(k.word, c.place) AND a.books > 0
JOIN search_word b ON b.word = substr(k.word, c.place + 1) AND b.books > 0
CROSS JOIN LATERAL (VALUES (a.word, a.books, a.popular_books, a.documents),
                           (b.word, b.books, b.popular_books, b.documents)) AS h (word, books, popular_books, documents)
WHERE k.books < 3 AND k.length BETWEEN 4 AND 40
UNION ALL
SELECT j.n, 'joined', NULL, s.word, s.books, s.popular_books, s.documents, j.size
FROM unnest($2::integer[], $3::integer[], $4::text[]) AS j (n, size, form)
JOIN search_word s ON s.word = fold(j.form) AND s.books > 0
UNION ALL
SELECT k.n::integer, 'completion', NULL, '', coalesce(c.books, 0), coalesce(c.popular_books, 0),
       coalesce(c.documents, 0), NULL
FROM (SELECT * FROM known ORDER BY n DESC LIMIT 1) k
CROSS JOIN LATERAL (
    SELECT sum(books)::integer AS books, sum(popular_books)::integer AS popular_books,
           sum(documents)::integer AS documents
    FROM (
        SELECT s.books, s.popular_books, s.documents FROM search_word s
        WHERE s.word > k.word AND s.word < k.word || chr(1114111) LIMIT {_MAX_COMPLETIONS}
    ) AS longer
) c
UNION ALL
SELECT 0, 'catalog', NULL, NULL, c.books::integer, 0, 0, NULL FROM catalog_size c
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
    facts: dict[int, dict[str, list[tuple[Word, int]]]] = {}
    lexemes: dict[int, Sequence[str]] = {}
    for n, kind, parts, *numbers, place in rows:
        facts.setdefault(n, {}).setdefault(kind, []).append((Word(*numbers), place))
        if kind == "typed":
            lexemes[n] = parts
    books = facts[0]["catalog"][0][0].books
    words = (_word_facts(word, lexemes[n], facts[n], books) for n, word in enumerate(typed, 1))
    return Vocabulary(tuple(words), books)


def _word_facts(
    typed: TypedWord, lexemes: Sequence[str], rows: dict[str, list[tuple[Word, int]]], books: int
) -> WordFacts:
    def found(kind: str) -> tuple[Word, ...]:
        return tuple(word for word, _ in rows.get(kind, ()))

    halves = found("cut")
    return WordFacts(
        typed,
        tuple(typed.grams or lexemes),
        rows["typed"][0][0],
        found("near"),
        found("inflection"),
        tuple(zip(halves[::2], halves[1::2], strict=True)),
        tuple((size, word) for word, size in rows.get("joined", ())),
        next(iter(found("completion")), Word("")),
        _is_light(rows["typed"][0][0], books),
    )


def _is_light(word: Word, books: int) -> bool:
    """Return whether a word of LIGHT_WORDS is one here: in English books `van` and `die` are rare, and say much."""
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
