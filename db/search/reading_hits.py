"""The hits of readings: one statement finds the first reading with hits, its hits, and the best of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.database import Database
from db.search.hit_limits import MAX_LISTED_HITS, MAX_POPULAR_HITS, MAX_RANKED_HITS
from db.search.popularity_tiers import names_in_tiers, popular_names_sql, popularity_sql
from db.search.ranking import NAME_TITLE_POINTS
from db.search.readings import Reading
from db.search.score import RankingValues, ranking_columns, ranking_record_sql, scored_sql
from db.search.tsquery import simplify, tsquery
from db.search.vocabulary import GENERATION_SQL
from db.statements import ReadStatement

_SAMPLED_HITS = 200
"""Number of hits that show whether a text is a name: more have it in the authors than in the title.

If not all hits are ranked, the best of as many gives the spelling of a corrected text.
"""

_MANY_EXPECTED_HITS = 2 * MAX_RANKED_HITS
"""Number of expected hits above which a reading probably has too many to be ranked."""

_TIERS = "string_to_array(reading.tiers, chr(10))"
"""The tsquery of each tier of a reading, one a line."""

_NAMED_HITS = popular_names_sql("book_id, document", "reading.named::tsquery", _TIERS, "reading.sampled")
_POPULARITY = popularity_sql("document", "reading.named::tsquery")


@dataclass(frozen=True, slots=True)
class ReadingHits:
    """The hits of the first reading that has some; without any, only the generation of the vocabulary.

    `number` is the place of the reading. `ids` are its hits, the best first, and `scores` their scores. More
    than MAX_RANKED_HITS have no scores, and the most popular come first. With `has_more` these are not all
    hits, and may be None. `names_authors`: the words are those of authors. `texts_of_best` are the title,
    subtitle and authors' names of the best hit, if the reading is corrected and no hit has the words as
    typed.
    """

    generation: str
    number: int | None = None
    ids: Sequence[int] | None = None
    scores: Sequence[int] | None = None
    has_more: bool = False
    names_authors: bool = False
    texts_of_best: Sequence[str | None] | None = None


_RANKING = {
    **ranking_columns("ranking"),
    **{
        name: f"(SELECT CASE WHEN names_authors THEN {points} ELSE {name} END FROM ranking)"
        for name, points in zip(("exact", "corrected"), NAME_TITLE_POINTS, strict=True)
    },
}

# The rows of `found` are read in the order of the readings, and no further than the first one with a hit.
# Subqueries hide the parameters from the planner, which would otherwise make a new plan for each text.
_HITS_OF_READINGS = ReadStatement(
    "hits_of_readings",
    f"""
WITH found AS MATERIALIZED (
    SELECT reading.n::integer, reading.ranking, hits.is_many, hits.has_more, hits.ids, hits.documents,
           hits.names_authors, reading.is_corrected AND NOT hits.has_exact AS lacks_exact
    FROM unnest(
        (SELECT $1::text[]), (SELECT $2::text[]), (SELECT $4::integer[]), (SELECT $5::text[]),
        (SELECT $6::text[]), (SELECT $7::text[]), (SELECT $8::boolean[]), (SELECT $9::text[]),
        (SELECT $10::integer[])
    ) WITH ORDINALITY AS reading (
        query, named, least, title, authors, ranking, is_corrected, tiers, sampled, n
    )
    CROSS JOIN LATERAL (
        WITH named AS MATERIALIZED ({_NAMED_HITS}),
        enough AS MATERIALIZED (SELECT count(*) = {MAX_POPULAR_HITS} AS is_named FROM named),
        hit AS MATERIALIZED (
            SELECT book_id, document FROM named WHERE (SELECT is_named FROM enough)
            UNION ALL (
                SELECT book_id, document FROM book_search
                WHERE document @@ reading.query::tsquery AND NOT (SELECT is_named FROM enough)
                LIMIT {MAX_LISTED_HITS + 1}
            )
        ),
        size AS MATERIALIZED (
            SELECT is_named, is_named OR number > {MAX_RANKED_HITS} AS is_many,
                   is_named OR number > {MAX_LISTED_HITS} AS has_more
            FROM enough CROSS JOIN (SELECT count(*) AS number FROM hit) AS hits
        )
        SELECT size.is_many, size.has_more,
               CASE WHEN size.is_many AND (size.is_named OR NOT size.has_more) THEN ARRAY(
                   SELECT book_id FROM hit ORDER BY {_POPULARITY} DESC, book_id
               ) ELSE ARRAY(
                   SELECT book_id FROM hit LIMIT CASE WHEN size.is_many THEN {_SAMPLED_HITS} END
               ) END AS ids,
               CASE WHEN NOT size.is_many
                    THEN ARRAY(SELECT ts_filter(document, '{{a,b}}') FROM hit) END AS documents,
               EXISTS (SELECT FROM hit WHERE document @@ (SELECT $3::tsquery)) OR size.has_more AND (
                   SELECT count(*) > 0 FROM (
                       SELECT FROM book_search WHERE document @@ (SELECT $3::tsquery)
                       LIMIT {MAX_LISTED_HITS + 1}
                   ) AS exact
               ) AS has_exact,
               (SELECT count(*) FILTER (WHERE document @@ reading.authors::tsquery)
                       > count(*) FILTER (WHERE document @@ reading.title::tsquery)
                FROM (SELECT document FROM hit LIMIT {_SAMPLED_HITS}) AS sampled) AS names_authors
        FROM size
        WHERE reading.least <= (SELECT count(*) FROM named) AND EXISTS (SELECT FROM hit)
    ) AS hits
    LIMIT 1
),
ranking AS MATERIALIZED (
    SELECT found.names_authors, r.* FROM found CROSS JOIN LATERAL {ranking_record_sql("found.ranking", "r")}
),
hit AS (
    SELECT h.id, h.document
    FROM found CROSS JOIN LATERAL unnest(found.ids, found.documents) AS h (id, document)
    WHERE NOT found.is_many
    UNION ALL
    SELECT h.id, ts_filter(s.document, '{{a,b}}')
    FROM found CROSS JOIN LATERAL (SELECT * FROM unnest(found.ids) LIMIT {_SAMPLED_HITS}) AS h (id)
    JOIN book_search AS s ON s.book_id = h.id
    WHERE found.is_many AND found.lacks_exact
),
scored AS MATERIALIZED (SELECT * FROM ({scored_sql("hit", _RANKING)}) AS s ORDER BY key DESC, id DESC)
SELECT catalog.generation, found.n,
       CASE WHEN NOT found.is_many THEN ARRAY(SELECT id FROM scored)
            WHEN NOT found.has_more OR cardinality(found.ids) = {MAX_POPULAR_HITS} THEN found.ids END,
       CASE WHEN NOT found.is_many THEN ARRAY(SELECT key FROM scored) END,
       found.has_more, found.names_authors, (
    SELECT ARRAY[b.title, b.subtitle] || ARRAY(
        SELECT a.name FROM book_author AS ba JOIN author AS a ON a.id = ba.author_id
        WHERE ba.book_id = b.id ORDER BY ba.position
    )
    FROM (SELECT id FROM scored LIMIT 1) AS best JOIN book AS b ON b.id = best.id WHERE found.lacks_exact
)
FROM (SELECT {GENERATION_SQL} AS generation FROM catalog_size) AS catalog
LEFT JOIN found ON true
""",
)


async def first_reading_with_hits(
    database: Database,
    readings: Sequence[Reading],
    rankings: Sequence[RankingValues],
    exact: str,
    books: int,
) -> ReadingHits:
    """Return the hits of the first reading that has some.

    `exact` is the tsquery of the words as typed, and `books` the number of books of the catalog.
    """
    least = [0 if reading.is_anywhere else reading.least_hits for reading in readings]
    sampled = [
        MAX_POPULAR_HITS if _has_many_hits(reading, books) else number
        for reading, number in zip(readings, least, strict=True)
    ]
    expressions = [simplify(reading.expression) for reading in readings]
    [(generation, number, ids, scores, has_more, names_authors, texts)] = await database.fetch(
        _HITS_OF_READINGS,
        [tsquery(expression) for expression in expressions],
        [tsquery(expression, "AB") for expression in expressions],
        exact,
        least,
        [tsquery(reading.likeliest, "A") for reading in readings],
        [tsquery(reading.likeliest, "B") for reading in readings],
        [ranking.json for ranking in rankings],
        [reading.is_corrected for reading in readings],
        [
            "\n".join(names_in_tiers(expression)) if number else ""
            for expression, number in zip(expressions, sampled, strict=True)
        ],
        sampled,
    )
    if number is None:
        return ReadingHits(generation)
    return ReadingHits(generation, number - 1, ids, scores, has_more, bool(names_authors), texts)


def _has_many_hits(reading: Reading, books: int) -> bool:
    """Return whether a reading has too many hits to be ranked, for sure or probably.

    If it has enough in titles and authors, whose lists by tier are shorter than those of whole documents, no
    others are read.
    """
    return reading.documents >= MAX_RANKED_HITS or reading.expected_hits(books) >= _MANY_EXPECTED_HITS
