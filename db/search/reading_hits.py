"""The hits of readings: one statement finds the first reading with hits, its hits, and the best of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.database import Database
from db.search.ranking import MAX_ENUMERATED_HITS, NAME_TITLE_POINTS, RANK_CANDIDATES
from db.search.readings import Reading
from db.search.score import RankingValues, ranking_columns, ranking_record_sql, scored_sql, titles_condition
from db.search.tsquery import tsquery
from db.search.vocabulary import GENERATION_SQL
from db.statements import ReadStatement

_SAMPLED_HITS = 200
"""Number of hits that show whether a text is a name: more have it in the authors than in the title."""


@dataclass(frozen=True, slots=True)
class ReadingHits:
    """The hits of the first reading that has some; without any, only the generation of the vocabulary.

    `number` is the place of the reading, and `ids` are up to MAX_ENUMERATED_HITS + 1 hits. `names_authors`:
    the words are those of authors. `texts_of_best` are the title, the subtitle and the authors' names of the
    best hit, if the reading is corrected and no hit has the words as typed.
    """

    generation: str
    number: int | None = None
    ids: Sequence[int] = ()
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
_HITS_OF_READINGS = ReadStatement(
    "hits_of_readings",
    f"""
WITH found AS MATERIALIZED (
    SELECT reading.n::integer, hits.ids, hits.names_authors,
           CASE WHEN NOT hits.has_exact THEN reading.ranking END AS ranking
    FROM unnest($1::text[], $2::text[], $4::integer[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY
        AS reading (query, named, least, title, authors, ranking, n)
    CROSS JOIN LATERAL (
        WITH hit AS MATERIALIZED (
            SELECT book_id, document FROM book_search
            WHERE document @@ reading.query::tsquery LIMIT {MAX_ENUMERATED_HITS + 1}
        )
        SELECT ARRAY(SELECT book_id FROM hit) AS ids,
               ARRAY(SELECT 1 FROM hit WHERE document @@ reading.named::tsquery LIMIT reading.least) AS named,
               EXISTS (SELECT FROM hit WHERE document @@ $3::tsquery) AS has_exact,
               (SELECT count(*) FILTER (WHERE document @@ reading.authors::tsquery)
                       > count(*) FILTER (WHERE document @@ reading.title::tsquery)
                FROM (SELECT document FROM hit LIMIT {_SAMPLED_HITS}) AS sampled) AS names_authors
    ) AS hits
    WHERE cardinality(hits.named) >= reading.least
    LIMIT 1
),
ranking AS MATERIALIZED (
    SELECT found.names_authors, r.* FROM found CROSS JOIN LATERAL {ranking_record_sql("found.ranking", "r")}
    WHERE found.ranking IS NOT NULL
),
hit AS MATERIALIZED (SELECT unnest(found.ids) AS id FROM found WHERE found.ranking IS NOT NULL),
candidate AS (
    (SELECT b.id FROM hit JOIN book AS b USING (id)
     ORDER BY b.rating_count DESC, b.id DESC LIMIT {RANK_CANDIDATES})
    UNION
    (SELECT b.id FROM hit JOIN book AS b USING (id)
     WHERE {titles_condition(_RANKING["titles"]).sql.replace("{l}", "b")})
),
best AS (SELECT id FROM ({scored_sql("candidate", _RANKING)}) AS scored ORDER BY key DESC, id DESC LIMIT 1)
SELECT catalog.generation, found.n, found.ids, found.names_authors, (
    SELECT ARRAY[b.title, b.subtitle] || ARRAY(
        SELECT a.name FROM book_author AS ba JOIN author AS a ON a.id = ba.author_id
        WHERE ba.book_id = b.id ORDER BY ba.position
    )
    FROM best JOIN book AS b ON b.id = best.id
)
FROM (SELECT {GENERATION_SQL} AS generation FROM catalog_size) AS catalog LEFT JOIN found ON true
""",
)


async def first_reading_with_hits(
    database: Database, readings: Sequence[Reading], rankings: Sequence[RankingValues], exact: str
) -> ReadingHits:
    """Return the hits of the first reading that has some; `exact` is the tsquery of the words as typed."""
    [(generation, number, ids, names_authors, texts)] = await database.fetch(
        _HITS_OF_READINGS,
        [tsquery(reading.expression) for reading in readings],
        [tsquery(reading.expression, "" if reading.is_anywhere else "AB") for reading in readings],
        exact,
        [reading.least_hits for reading in readings],
        [tsquery(reading.likeliest, "A") for reading in readings],
        [tsquery(reading.likeliest, "B") for reading in readings],
        [
            ranking.json if reading.is_corrected else None
            for reading, ranking in zip(readings, rankings, strict=True)
        ],
    )
    if number is None:
        return ReadingHits(generation)
    return ReadingHits(generation, number - 1, ids, bool(names_authors), texts)
