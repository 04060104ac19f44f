"""What a person typed: an ISBN, or words as they stand, or the words that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

from db.pool import PLANNED_ANEW, Database
from db.search.conditions import ISBN, Condition, compared, matching
from db.search.ranking import RANKED, score

LONGEST_TEXT = 200
"""Of a longer text the first so many characters are searched."""

FEW_HITS = 3
"""With fewer hits than this, words that resemble those of the text are searched too."""

MOST_WORDS = 8
"""Of so many words at the most, others that resemble them are searched."""

NEARNESS = 0.15
"""By how much less than the nearest word another one may resemble the one asked for."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a text is searched: by `isbn`, or by words.

    `exact` is a tsquery of the words as they stand, the last one perhaps unfinished; `wide` also allows
    the words that resemble them, or is the same. `did_you_mean` says which of those the best hit has.
    """

    text: str
    exact: str = ""
    wide: str = ""
    isbn: str | None = None
    did_you_mean: str | None = None

    @property
    def condition(self) -> Condition:
        return compared(ISBN, "eq", self.isbn) if self.isbn else matching(self.wide)


HITS_OF_TEXT = f"""
/* hits_of_text {PLANNED_ANEW} */
SELECT coalesce(search_query($1::text)::text, '') AS query,
       ARRAY(SELECT w.lexeme FROM unnest(words($1::text)) AS w ORDER BY w.positions[1], w.lexeme) AS words,
       (SELECT count(*) FROM (
           SELECT FROM book_search WHERE document @@ search_query($1::text) LIMIT $2::integer
       ) AS hit) AS hits,
       EXISTS (SELECT FROM book WHERE isbn = $3::text) AS edition
"""

NEAR_WORDS = """
/* near_words */
SELECT asked.ordinal, near.word, near.likeness
FROM unnest($1::text[]) WITH ORDINALITY AS asked (word, ordinal)
CROSS JOIN LATERAL (
    SELECT s.word, similarity(s.word, asked.word) AS likeness
    FROM search_word AS s
    WHERE s.word % asked.word
    ORDER BY likeness DESC, s.word
    LIMIT 6
) AS near
ORDER BY asked.ordinal, near.likeness DESC, near.word
"""

WORDS_OF_BEST_HIT = f"""
/* words_of_best_hit {PLANNED_ANEW} */
SELECT tsvector_to_array(hit.document) AS words
FROM (
    SELECT s.document, b.rating_count, b.id
    FROM book_search AS s JOIN book AS b ON b.id = s.book_id
    WHERE s.document @@ $1::tsquery
    LIMIT {RANKED}
) AS hit
ORDER BY {score("hit.document", "hit.rating_count", "$1::tsquery", "$1::tsquery")} DESC, hit.id DESC
LIMIT 1
"""


async def meanings_of_texts(database: Database, texts: Sequence[str]) -> list[Meaning]:
    """How each text is searched."""
    return [await meaning_of(database, text[:LONGEST_TEXT]) for text in texts]


async def meaning_of(database: Database, text: str) -> Meaning:
    isbn = isbn_in(text)
    [found] = await database.fetch(HITS_OF_TEXT, text, FEW_HITS, isbn)
    if found["edition"]:
        return Meaning(text, isbn=isbn)
    exact = Meaning(text, found["query"], found["query"])
    if found["hits"] >= FEW_HITS or not found["words"]:
        return exact
    return await widened(database, exact, found["words"][:MOST_WORDS], found["hits"])


def isbn_in(text: str) -> str | None:
    """The ISBN-13 that the whole text is, in whatever spelling."""
    try:
        return str(stdnum_isbn.validate(text, convert=True))
    except ValidationError:
        return None


async def widened(database: Database, exact: Meaning, words: Sequence[str], hits: int) -> Meaning:
    """The meaning with words that resemble those of the text, if some book has them."""
    near: dict[int, list[str]] = {}
    best: dict[int, float] = {}
    for ordinal, word, likeness in await database.fetch(NEAR_WORDS, words):
        if likeness >= best.setdefault(ordinal, likeness) - NEARNESS:
            near.setdefault(ordinal, []).append(word)
    choices = [[word, *(each for each in near.get(n, ()) if each != word)] for n, word in enumerate(words, 1)]
    if all(len(choice) == 1 for choice in choices):
        return exact
    groups = [" | ".join(map(quoted, choice)) for choice in choices]
    groups[-1] += f" | {quoted(words[-1])}:*"
    wide = f"({exact.exact}) | ({' & '.join(f'({group})' for group in groups)})"
    hit = await database.fetch(WORDS_OF_BEST_HIT, wide)
    if not hit:
        return exact
    meant = [meant_of(choice, frozenset(hit[0]["words"])) for choice in choices]
    return Meaning(
        exact.text, exact.exact, wide, None, " ".join(meant) if meant != list(words) and not hits else None
    )


def meant_of(choice: Sequence[str], words: frozenset[str]) -> str:
    """The first of the choices that stands among the words; the one asked for if none does."""
    return next((each for each in choice if each in words), choice[0])


def quoted(word: str) -> str:
    """A word of the catalog as a term of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
