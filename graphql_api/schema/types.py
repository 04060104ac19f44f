"""The types Book, Author and Category. They are in one module because they refer to each other.

Their values are the records of `db`. Plain fields read attributes of a record; relations use the loaders.
"""

from collections.abc import Awaitable, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.keyset import Order, PageRequest
from graphql_api.context import Context
from graphql_api.schema.book_connections import BookConnection, BookConnectionSource, build_book_connections
from graphql_api.schema.connections import connection_field
from graphql_api.schema.contributor_role import (
    BookRolesArg,
    BylineRolesArg,
    ContributorRole,
    author_scope,
    role_names,
)
from graphql_api.schema.costs import NO_ROWS, ONE_ROW, SHORT_LIST
from graphql_api.schema.fields import batch_field, loader_field, object_field, same_row_field
from graphql_api.schema.filter_inputs import BookFilterArg
from graphql_api.schema.filters import parse_book_filter
from graphql_api.schema.ids import global_id
from graphql_api.schema.pagination import Connection, ConnectionSource
from graphql_api.schema.scalars import ISBN

Record = book_reads.Book | author_reads.Author | category_reads.Category


def _resolve_id(root: strawberry.Parent[Record]) -> strawberry.ID:
    return global_id(root.type_name, root["id"])


@strawberry.interface(description="An object with a global id, which `node` can look up.")
class Node:
    id: strawberry.ID = object_field(
        _resolve_id,
        "The global id: opaque, unique across all types. `node` looks up the object by it.",
        trusted=True,
    )

    @classmethod
    def resolve_type(cls, value: Record, *_: object) -> str:
        return value.type_name


@strawberry.type(description="An amount of money.", directives=[NO_ROWS])
class Money:
    record_class = book_reads.Price

    price: Decimal = strawberry.field(
        name="amount",
        description="The exact amount. It has the decimals of its currency, for example 12.90 (EUR) or 500 "
        "(JPY), and more only if the price has more.",
    )
    currency: str = strawberry.field(
        name="currencyCode", description="The currency's ISO 4217 code, for example EUR."
    )


def _resolve_role(root: strawberry.Parent[author_reads.Contribution]) -> ContributorRole:
    return ContributorRole(root.role)


@strawberry.type(description="One author's contribution to one book, in one role.")
class Contribution:
    record_class = author_reads.Contribution

    position: int = strawberry.field(
        description="The position of this contribution among those to the book, starting at 1."
    )
    role: ContributorRole = object_field(_resolve_role, "The role of the author.", reads=["role"])
    author: "Author" = strawberry.field(description="The author who contributed.")


_AUTHORS, _EDITORS = frozenset(["AUTHOR"]), frozenset(["EDITOR"])


def _resolve_authors(
    books: Sequence[book_reads.Book], context: Context, roles: BylineRolesArg = UNSET
) -> Awaitable[list[list[author_reads.Contribution]]]:
    names = role_names(roles)

    def contributors(
        contributions: list[list[author_reads.Contribution]],
    ) -> list[list[author_reads.Contribution]]:
        return [_contributors_in_roles(of_book, names) for of_book in contributions]

    return context.loaders.authors_by_book_id.load_all([book["id"] for book in books]).then(contributors)


def _contributors_in_roles(
    contributions: list[author_reads.Contribution], roles: frozenset[str] | None
) -> list[author_reads.Contribution]:
    """Return a book's contributors in the roles, each once; by default those of its byline.

    An edited volume has no author: its byline names the editors.
    """
    if roles is None:
        return _contributors_in_roles(contributions, _AUTHORS) or _contributors_in_roles(
            contributions, _EDITORS
        )
    return list({each["id"]: each for each in contributions if each["role"] in roles}.values())


@strawberry.type(description="One edition of a book.")
class Book(Node):
    record_class = book_reads.Book

    title: str = strawberry.field(description="The title, without the subtitle.")
    subtitle: str | None = strawberry.field(
        description="The subtitle, or the series and the number in the series."
    )
    isbn: ISBN | None = strawberry.field(description="The ISBN-13; null if the book has none.")
    description: str | None = strawberry.field(description="A description of the book as plain text.")
    language: str | None = strawberry.field(
        description="The language of the text as a BCP 47 tag, for example en or pt-BR."
    )
    published_year: int | None = strawberry.field(
        description="The year of publication. Years BC are negative."
    )
    published_on: date | None = strawberry.field(
        description="The day of publication; null if only the year, or nothing, is known."
    )
    page_count: int | None = strawberry.field(description="The number of pages.")
    price: Money | None = same_row_field("price", "The price; null if the book is not for sale.")
    stock: int = strawberry.field(description="The number of copies in stock.")
    cover_url: str | None = strawberry.field(description="The URL of an image of the cover.")
    rating_average: float | None = strawberry.field(
        description="The average rating, 0 to 5; null if the book has no ratings."
    )
    rating_count: int = strawberry.field(description="The number of ratings.")
    recent_views: int = loader_field(
        "recent_views_by_book_id",
        "id",
        "The number of times the book was looked up with `book` in the last 30 days.",
        ONE_ROW,
    )
    source: str = strawberry.field(
        description="The source that the book was imported from, for example gutenberg."
    )
    source_id: str = strawberry.field(description="The key of the book in that source.")
    authors: list["Author"] = batch_field(
        _resolve_authors,
        "The authors for a byline, in the book's order, each once. `contributions` has all contributors.",
        SHORT_LIST,
    )
    contributions: list[Contribution] = loader_field(
        "authors_by_book_id", "id", "All contributions with their roles, in the book's order.", SHORT_LIST
    )
    categories: list["Category"] = loader_field(
        "categories_by_book_id",
        "id",
        "The categories that the book is assigned to, without their ancestors, sorted by path.",
        SHORT_LIST,
    )


def _resolve_author_books(
    authors: Sequence[author_reads.Author],
    context: Context,
    order: Order,
    page_request: PageRequest,
    roles: BookRolesArg = UNSET,
    filter_input: BookFilterArg = UNSET,
) -> list[BookConnectionSource]:
    scope = author_scope(roles)
    return build_book_connections(
        context,
        scope,
        order,
        page_request,
        parse_book_filter(filter_input),
        [(author.id, author.book_count) for author in authors],
        None if scope.roles is not None else lambda: context.loaders.books_by_author_id(order, page_request),
    )


@strawberry.type(description="A contributor to books: a person, or a name used by one.")
class Author(Node):
    record_class = author_reads.Author

    slug: str = strawberry.field(
        description="A name for URLs, unique among authors, for example jane-austen."
    )
    name: str = strawberry.field(description="The name for display, for example Jane Austen.")
    sort_name: str = strawberry.field(description="The name for sorting, for example Austen, Jane.")
    birth_year: int | None = strawberry.field(description="The year of birth. Years BC are negative.")
    death_year: int | None = strawberry.field(description="The year of death. Years BC are negative.")
    book_count: int = strawberry.field(
        description="The number of books that the author contributed to, in any role."
    )
    books: BookConnection = connection_field(
        _resolve_author_books,
        "The books that the author contributed to, in any role or in the given roles.",
        reads=["book_count"],
    )


def _resolve_ancestors(
    categories: Sequence[category_reads.Category], context: Context
) -> Awaitable[list[list[category_reads.Category]]]:
    def ancestors_by_category(
        loaded: list[category_reads.Category | None],
    ) -> list[list[category_reads.Category]]:
        ancestors = iter(loaded)
        return [
            [ancestor for ancestor in islice(ancestors, len(category.lineage) - 1) if ancestor]
            for category in categories
        ]

    ancestor_ids = [ancestor_id for category in categories for ancestor_id in category.lineage[:-1]]
    return context.loaders.category_by_id.load_all(ancestor_ids).then(ancestors_by_category)


def _resolve_children(
    categories: Sequence[category_reads.Category], context: Context, order: Order, page_request: PageRequest
) -> list[ConnectionSource]:
    loader = context.loaders.children_by_category_id(page_request)
    count = context.loaders.count_of_children_by_category_id
    return [ConnectionSource(order, loader, category.id, count) for category in categories]


def _resolve_category_books(
    categories: Sequence[category_reads.Category],
    context: Context,
    order: Order,
    page_request: PageRequest,
    include_descendants: Annotated[
        bool, strawberry.argument(description="Whether to include the books of descendant categories.")
    ] = True,
    filter_input: BookFilterArg = UNSET,
) -> list[BookConnectionSource]:
    return build_book_connections(
        context,
        book_reads.BY_CATEGORY if include_descendants else book_reads.DIRECTLY_IN_CATEGORY,
        order,
        page_request,
        parse_book_filter(filter_input),
        [
            (category.id, category.book_count if include_descendants else category.direct_book_count)
            for category in categories
        ],
        lambda: context.loaders.books_by_category_id(order, page_request, descendants=include_descendants),
    )


@strawberry.type(description="A category of books. Categories form a tree.")
class Category(Node):
    record_class = category_reads.Category

    name: str = strawberry.field(description="The name, for example Science fiction.")
    path: str = strawberry.field(
        description="The slugs from the root category down, for example fiction/science-fiction; unique."
    )
    book_count: int = strawberry.field(description="The number of books in the category and its descendants.")
    parent: "Category | None" = loader_field(
        "category_by_id", "parent_id", "The parent category; null for a root category."
    )
    ancestors: list["Category"] = batch_field(
        _resolve_ancestors,
        "The ancestors, from the root category down to the parent.",
        SHORT_LIST,
        reads=["lineage"],
    )
    children: Connection["Category"] = connection_field(
        _resolve_children, "The child categories, sorted by name.", order=category_reads.BY_NAME
    )
    books: BookConnection = connection_field(
        _resolve_category_books,
        "The books in the category and, by default, its descendants.",
        reads=["book_count", "direct_book_count"],
    )
