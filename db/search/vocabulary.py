"""The vocabulary: the words of titles and authors with their numbers of books, and words near a typed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from db.database import Database
from db.search.edit_distance import edit_distance
from db.search.light_words import LIGHT_WORDS
from db.search.typed_words import TypedWord, grams_of
from db.statements import ReadStatement

STEMMERS = (
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "finnish", "swedish",
)  # fmt: skip
"""The stemmers whose stems make two words inflections of one."""

MAX_NEAR_WORDS = 60
"""Maximum number of near words that are read for one typed word."""

_MAX_COMPLETIONS = 5_000
"""Maximum number of words that are read to weigh those that start with the last word of a text."""

_MAX_COMPLETED = 50
"""Maximum number of them that are searched if many books have one."""

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
class NearWord:
    """A word that is `distance` edits away from a typed one."""

    word: Word
    distance: int


@dataclass(frozen=True, slots=True)
class WordFacts:
    """What the vocabulary knows about a typed word.

    `lexemes` are its parts in a search document, mostly one. `near` words are one edit away, or two if it has
    more than five letters, and `inflections` have the same stem. `cuts` are the pairs of words that it is
    made of. `joined` are the words that it makes with the next typed words, each with the number of typed
    words. `completions` are all words that start with it, together, and `completed` the likeliest of them.
    `is_light`: it says little.
    """

    typed: TypedWord
    lexemes: tuple[str, ...]
    word: Word
    near: tuple[NearWord, ...] = ()
    inflections: tuple[Word, ...] = ()
    cuts: tuple[tuple[Word, Word], ...] = ()
    joined: tuple[tuple[int, Word], ...] = ()
    completions: Word = Word("")
    completed: tuple[str, ...] = ()
    is_light: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The facts of a text's words, in their order, and the number of books of the catalog.

    The `generation` is another one as soon as a book, author or category was added or removed.
    """

    words: tuple[WordFacts, ...] = ()
    books: int = 0
    generation: str = ""


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

# Inflections start with the same letters: four, or three in `city` and `cities`.
_INFLECTIONS_SQL = f"""
    SELECT k.n, 'inflection', NULL, {_COUNTS.format("s")}, NULL
    FROM known AS k
    CROSS JOIN LATERAL (SELECT {_stems_sql("k.word")} AS stems) AS t
    CROSS JOIN LATERAL (
        SELECT least(4, length(regexp_replace(k.word, '(y|ies)$', ''))) AS common_length
    ) AS l
    CROSS JOIN LATERAL (SELECT left(k.word, greatest(l.common_length, k.length - 3)) AS start) AS r
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

GENERATION_SQL = "concat_ws(' ', xmin, ctid)"
"""The generation of the vocabulary: the version of the row of catalog_size, new with each added book."""

_WORDS_OF_TEXT = ReadStatement(
    "words_of_text",
    f"""
WITH known AS MATERIALIZED ({_TYPED_SQL})
SELECT n, 'typed' AS kind, lexemes, word, books, popular_books, documents, NULL::integer AS place FROM known
UNION ALL {_NEAR_SQL}
UNION ALL {_INFLECTIONS_SQL}
UNION ALL {_CUTS_SQL}
UNION ALL
SELECT j.n::integer, 'joined', NULL, {_COUNTS.format("s")}, NULL
FROM unnest($3::text[]) WITH ORDINALITY AS j (form, n)
JOIN search_word AS s ON s.word = fold(j.form) AND s.books > 0
UNION ALL
SELECT k.n, 'completion',
       (array_agg(c.word ORDER BY c.books + 30 * c.popular_books DESC, c.word)
        FILTER (WHERE c.word IS NOT NULL))[:{_MAX_COMPLETED}],
       '', coalesce(sum(c.books), 0)::integer,
       coalesce(sum(c.popular_books), 0)::integer, coalesce(sum(c.documents), 0)::integer, NULL
FROM (SELECT n, word FROM known WHERE n = $2::integer) AS k
LEFT JOIN LATERAL (
    SELECT s.word, s.books, s.popular_books, s.documents FROM search_word AS s
    WHERE s.word > k.word AND s.word < k.word || chr(1114111) AND k.word <> '' LIMIT {_MAX_COMPLETIONS}
) AS c ON true
GROUP BY k.n
UNION ALL
SELECT 0, 'catalog', NULL, {GENERATION_SQL}, books::integer, 0, 0, NULL FROM catalog_size
""",
)


class Key(NamedTuple):
    """What the vocabulary is asked for.

    It is a typed word, the last word of a text, neighbours put together, or the beginning of a word, after
    others or alone.
    """

    kind: Literal["word", "last word", "joined", "beginning", "only beginning"]
    form: str


Answer = WordFacts | Word | tuple[str, ...] | None
"""A word's facts without its place, the word that neighbours make, or the beginnings that may be meant."""


@dataclass(frozen=True, slots=True)
class VocabularyAnswer:
    """What the vocabulary knows about some keys, in one of its generations."""

    generation: str
    books: int
    answers: dict[Key, Answer]


async def answer_keys(database: Database, keys: Sequence[Key]) -> VocabularyAnswer:
    """Return what the vocabulary knows about the keys, of which at most one is a last word."""
    words = [key for key in keys if key.kind != "joined"]
    joined = [key for key in keys if key.kind == "joined"]
    last = next((n for n, key in enumerate(words, 1) if key.kind == "last word"), 0)
    rows_by_place: dict[tuple[bool, int], list[_Row]] = {}
    for place, *row in await database.fetch(
        _WORDS_OF_TEXT, [key.form for key in words], last, [key.form for key in joined]
    ):
        rows_by_place.setdefault((row[0] == "joined", place), []).append(_Row(*row))
    [catalog] = rows_by_place[False, 0]
    answers: dict[Key, Answer] = {}
    for n, key in enumerate(words, 1):
        answers[key] = _word_facts(key.form, rows_by_place[False, n], catalog.books)
    for n, key in enumerate(joined, 1):
        answers[key] = next((row.word for row in rows_by_place.get((True, n), ())), None)
    return VocabularyAnswer(catalog.text, catalog.books, answers)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of words_of_text, without the place of its typed word."""

    kind: str
    lexemes: Sequence[str] | None
    text: str
    books: int
    popular_books: int
    documents: int
    cut: int | None

    @property
    def word(self) -> Word:
        return Word(self.text, self.books, self.popular_books, self.documents)


def _word_facts(form: str, rows: Sequence[_Row], books: int) -> WordFacts:
    def found(kind: str) -> tuple[Word, ...]:
        return tuple(row.word for row in rows if row.kind == kind)

    [typed] = (row for row in rows if row.kind == "typed")
    completion = next((row for row in rows if row.kind == "completion"), None)
    halves = found("cut")
    grams = grams_of(form)
    return WordFacts(
        TypedWord(form, 0, 0, grams),
        tuple(grams or typed.lexemes or ()),
        typed.word,
        _near_words(typed.text, found("near")),
        found("inflection"),
        tuple(zip(halves[::2], halves[1::2], strict=True)),
        completions=completion.word if completion else Word(""),
        completed=tuple(completion.lexemes or ()) if completion else (),
        is_light=_is_light(typed.word, books),
    )


def _near_words(typed: str, words: Sequence[Word]) -> tuple[NearWord, ...]:
    limit = 1 if len(typed) <= 5 else 2
    near = (NearWord(word, edit_distance(typed, word.word, limit)) for word in words)
    return tuple(each for each in near if each.distance <= limit)


def _is_light(word: Word, books: int) -> bool:
    """Return whether a word of LIGHT_WORDS says little here: not if few books have it."""
    return word.word in LIGHT_WORDS and (not word.documents or word.documents * _LIGHT_WORD_BOOKS >= books)
