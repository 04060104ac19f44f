"""Relevance: how well a document matches, weighed with how many readers rated the book."""

from db.pages import INTEGER, Key

NAMED = 5_000
"""So many books that a text finds are named to the statements that read them."""

RANKED = 1_000
"""Of these so many are ranked: those that most readers rated."""

RANKED_OF_MANY = 300
"""Of more books so many are ranked. To find them takes reading as many documents as the text is rare among
popular books."""

TITLED = 10_000_000
"""What a book has before others whose title, its article aside, is the text."""

RELEVANCE = Key("relevance", "score", INTEGER)

WEIGHTS = "ARRAY[0.1, 0.3, 0.6, 1.0]::real[]"  # description, subtitle and categories, authors, title


def score(document: str, rating_count: str, exact: str, wide: str) -> str:
    """The SQL of an integer; matches of the words as they were typed come before all others."""
    return (
        f"(round(1000000 * ts_rank({WEIGHTS}, {document}, {wide})"
        f" * (1 + ln(1 + {rating_count}) / 20))::integer"
        f" + CASE WHEN {document} @@ {exact} THEN 100000000 ELSE 0 END)"
    )


def titled(book: str, text: str) -> str:
    """The SQL of what a book has before others for its title. The lengths keep most from being looked at."""
    return (
        f"CASE WHEN length({book}.title_key) <= length(fold({text}))"
        f" AND {book}.title_key = title_sort_key({text}, {book}.language) THEN {TITLED} ELSE 0 END"
    )
