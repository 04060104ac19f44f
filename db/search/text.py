"""What a person typed: an ISBN, or words as they stand, or the words that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

from db.database import PLANNED_ANEW, Database
from db.search.conditions import Condition, matching, one_of
from db.search.ranking import NAMED, RANKED, RANKED_OF_MANY, score

LONGEST_TEXT = 200
"""Of a longer text the first so many characters are searched."""

FEW_HITS = 3
"""With fewer hits than this, words that resemble those of the text are searched too."""

MOST_WORDS = 8
"""Of so many words at the most, others that resemble them are searched."""

NEARNESS = 0.15
"""By how much less than the nearest other word a further one may resemble a word, at first."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a text is searched: by `isbn`, or by words.

    `exact` is a tsquery of the words as they stand, the last one perhaps unfinished; `wide` also allows
    the words that resemble them, or any of them, or is the same. `did_you_mean` says which of those the
    best hit has.
    `book_ids` are all books it finds, where they are few enough to name them: a plan that is told them
    cannot be wrong about how many there are. `common` is a text that one book in ten matches, or more.
    """

    text: str
    exact: str = ""
    wide: str = ""
    isbn: str | None = None
    did_you_mean: str | None = None
    book_ids: tuple[int, ...] | None = None
    common: bool = False
    cut: bool = False
    """Whether there are more: of what was only guessed no more are looked at."""

    @property
    def condition(self) -> Condition:
        return matching(self.wide) if self.book_ids is None else one_of(self.book_ids)


SAMPLE = 2_000
COMMON = 200
"""Of so many books that match among so many, a text is common."""

MANY = 20
"""Of so many or more, the hits are estimated: where they are twice what is named, they are not looked for."""

# Materialized, since the planner would else count on finding the first few hits of a rare word soon.
HITS_OF_TEXT = f"""
/* hits_of_text {PLANNED_ANEW} */
WITH sample AS MATERIALIZED (SELECT document FROM book_search ORDER BY book_id LIMIT {SAMPLE}),
     met AS MATERIALIZED (
         SELECT count(*) AS number FROM sample WHERE document @@ search_query($1::text)
     ),
     weighed AS MATERIALIZED (
         SELECT number >= {COMMON} AS common,
                number >= {MANY} AND number * (SELECT books FROM catalog_size) >= {2 * NAMED * SAMPLE} AS many
         FROM met
     ),
     hit AS MATERIALIZED (
         SELECT book_id FROM book_search
         WHERE document @@ search_query($1::text) AND NOT (SELECT many FROM weighed)
     )
SELECT coalesce(search_query($1::text)::text, '') AS query,
       (SELECT common FROM weighed) AS common,
       (SELECT many FROM weighed) AS many,
       ARRAY(SELECT w.lexeme FROM unnest(words($1::text)) AS w ORDER BY w.positions[1], w.lexeme) AS words,
       ARRAY(SELECT book_id FROM hit LIMIT {NAMED + 1}) AS book_ids,
       (SELECT id FROM book WHERE isbn = $2::text) AS edition
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
    LIMIT 9
) AS near
ORDER BY asked.ordinal, near.likeness DESC, near.word
"""

HITS_OF_QUERY = f"""
/* hits_of_query {PLANNED_ANEW} */
WITH hit AS MATERIALIZED (SELECT book_id, document FROM book_search WHERE document @@ $1::tsquery),
     few AS MATERIALIZED (SELECT book_id, document FROM hit LIMIT {RANKED + 1})
SELECT ARRAY(SELECT book_id FROM few) AS book_ids, (
    SELECT tsvector_to_array(f.document)
    FROM (SELECT book_id, document FROM few LIMIT {RANKED_OF_MANY}) AS f JOIN book AS b ON b.id = f.book_id
    ORDER BY {score("f.document", "b.rating_count", "$1::tsquery", "$1::tsquery")} DESC, b.id DESC
    LIMIT 1
) AS words
"""


async def meanings_of_texts(database: Database, texts: Sequence[str]) -> list[Meaning]:
    """How each text is searched."""
    return [await meaning_of(database, text[:LONGEST_TEXT]) for text in texts]


async def meaning_of(database: Database, text: str) -> Meaning:
    isbn = isbn_in(text)
    [found] = await database.fetch(HITS_OF_TEXT, text, isbn)
    if found["edition"] is not None:
        return Meaning(text, isbn=isbn, book_ids=(found["edition"],))
    whole = Meaning(text, found["query"], found["query"], common=found["common"])
    if found["many"]:
        return whole
    exact = replace(whole, book_ids=nameable(found["book_ids"]))
    if len(found["book_ids"]) >= FEW_HITS or not found["words"]:
        return exact
    return await widened(database, exact, found["words"][:MOST_WORDS])


def nameable(book_ids: Sequence[int]) -> tuple[int, ...] | None:
    return tuple(book_ids) if len(book_ids) <= NAMED else None


def isbn_in(text: str) -> str | None:
    """The ISBN-13 that the whole text is, in whatever spelling."""
    try:
        return str(stdnum_isbn.validate(text, convert=True))
    except ValidationError:
        return None


async def widened(database: Database, exact: Meaning, words: Sequence[str]) -> Meaning:
    """The meaning with words that resemble those of the text, or any of them, if a book has such."""
    near: list[list[tuple[str, float]]] = [[] for _ in words]
    known: set[str] = set()
    for ordinal, word, likeness in await database.fetch(NEAR_WORDS, words):
        if word == words[ordinal - 1]:
            known.add(word)
        else:
            near[int(ordinal) - 1].append((word, likeness))
    nearest = [[word, *within(others, NEARNESS)] for word, others in zip(words, near, strict=True)]
    nearby = [[word, *within(others, 1.0)] for word, others in zip(words, near, strict=True)]
    either = [choice[:1] if choice[0] in known else choice for choice in nearest]
    for join, choices in (("&", nearest), ("&", nearby), ("|", either)):
        wide = f"({exact.exact}) | ({f' {join} '.join(terms(choices))})"
        [hits] = await database.fetch(HITS_OF_QUERY, wide)
        if len(hits["book_ids"]) > len(exact.book_ids or ()):
            meant = [meant_of(choice, frozenset(hits["words"])) for choice in choices]
            unheard = not exact.book_ids and meant != list(words)
            return replace(
                exact,
                wide=wide,
                did_you_mean=" ".join(meant) if unheard else None,
                book_ids=tuple(hits["book_ids"][:RANKED]),
                cut=len(hits["book_ids"]) > RANKED,
            )
        if exact.book_ids:
            break
    return exact


def within(others: Sequence[tuple[str, float]], nearness: float) -> list[str]:
    """The words that resemble one almost as much as the nearest does."""
    return [word for word, likeness in others if likeness >= others[0][1] - nearness]


def terms(choices: Sequence[Sequence[str]]) -> list[str]:
    """A group of alternatives for each word; the last one's word is perhaps unfinished."""
    groups = [" | ".join(map(quoted, choice)) for choice in choices]
    groups[-1] += f" | {quoted(choices[-1][0])}:*"
    return [f"({group})" for group in groups]


def meant_of(choice: Sequence[str], words: frozenset[str]) -> str:
    """The first of the choices that stands among the words; the one asked for if none does."""
    return next((each for each in choice if each in words), choice[0])


def quoted(word: str) -> str:
    """A word of the catalog as a term of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
