"""Covers of books."""

import strawberry

from db import authors as author_reads
from db import books as book_reads
from graphql_api.execution.fields import batch_field
from graphql_api.schema.costs import NO_ROWS, ONE_ROW
from graphql_api.schema.relations import resolve_cover_alts
from graphql_api.schema.scalars import URL


@strawberry.type(description="An image of a book's cover.", directives=[NO_ROWS])
class Cover:
    record_class = book_reads.CoveredBook

    cover_url: URL = strawberry.field(name="url", description="The URL of the image.")
    alt: str = batch_field(
        resolve_cover_alts,
        "A text for readers who do not see the image: the title and up to three names of the byline.",
        ONE_ROW,
        reads=["name"],
        record_class=author_reads.Author,
    )
