"""Book, Author, Category and what hangs on them; one module, since they refer to each other.

The objects behind the types are the records of `db`: plain fields read their attributes, relations
are resolvers over the loaders.
"""

from collections.abc import Awaitable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.pages import Order, Window
from graphql_api.context import Context
from graphql_api.schema.connections import connects
from graphql_api.schema.costs import A_ROW, FEW, NO_ROW
from graphql_api.schema.fields import loads, of_row, resolved_by, resolved_for_all
from graphql_api.schema.filter_inputs import Wanted
from graphql_api.schema.filters import filter_of_books
from graphql_api.schema.ids import global_id
from graphql_api.schema.pagination import Connection, Listed
from graphql_api.schema.scalars import ISBN
from graphql_api.schema.search import BookConnection, BookListed, listed_books

Record = book_reads.Book | author_reads.Author | category_reads.Category


def id_of(root: strawberry.Parent[Record]) -> strawberry.ID:
    return global_id(root.entity, root["id"])


@strawberry.interface(description="Anything that has a global id and can be found again by it.")
class Node:
    id: strawberry.ID = resolved_by(
        id_of, "An opaque id, unique over all types; `node` finds the object again.", vouched=True
    )

    @classmethod
    def resolve_type(cls, value: Record, *_: object) -> str:
        return value.entity


@strawberry.type(description="An amount of money.", directives=[NO_ROW])
class Money:
    row = book_reads.Price

    price: Decimal = strawberry.field(name="amount", description='The amount, exact, as a string: "12.90".')
    currency: str = strawberry.field(
        name="currencyCode", description="The currency's ISO 4217 code, for example EUR."
    )


@strawberry.enum(description="What somebody did for a book.")
class ContributorRole(Enum):
    AUTHOR = strawberry.enum_value("AUTHOR", description="Wrote it.")
    EDITOR = strawberry.enum_value("EDITOR", description="Edited or compiled it.")
    TRANSLATOR = strawberry.enum_value("TRANSLATOR", description="Translated it.")
    ILLUSTRATOR = strawberry.enum_value("ILLUSTRATOR", description="Drew its pictures.")
    INTRODUCTION = strawberry.enum_value("INTRODUCTION", description="Wrote its introduction or preface.")
    NARRATOR = strawberry.enum_value("NARRATOR", description="Reads it aloud.")
    CONTRIBUTOR = strawberry.enum_value("CONTRIBUTOR", description="Contributed in another way.")


def role_of(root: strawberry.Parent[author_reads.Contribution]) -> ContributorRole:
    return ContributorRole(root.role)


@strawberry.type(description="What one author did for one book.")
class Contribution:
    row = author_reads.Contribution

    position: int = strawberry.field(description="The author's place among the book's authors, from 1.")
    role: ContributorRole = resolved_by(role_of, "What the author did.", reads=["role"])
    author: "Author" = strawberry.field(description="Who did it.")


def authors_of(
    books: Sequence[book_reads.Book], context: Context
) -> Awaitable[list[list[author_reads.Contribution]]]:
    return context.loaders.authors_by_book_id.load_all([book["id"] for book in books]).then(each_once)


def each_once(
    contributions: list[list[author_reads.Contribution]],
) -> list[list[author_reads.Contribution]]:
    return [
        those if len(those) == 1 else list({each["id"]: each for each in those}.values())
        for those in contributions
    ]


@strawberry.type(description="One edition of a book.")
class Book(Node):
    row = book_reads.Book

    title: str = strawberry.field(description="The title, without the subtitle.")
    subtitle: str | None = strawberry.field(description="The subtitle, or the series and number in it.")
    isbn: ISBN | None = strawberry.field(description="The ISBN-13; null if it has none.")
    description: str | None = strawberry.field(description="What the book is about; plain text.")
    language: str | None = strawberry.field(
        description="The text's language as a BCP 47 tag, for example en or pt-BR."
    )
    published_year: int | None = strawberry.field(
        description="The year of publication; negative before Christ."
    )
    published_on: date | None = strawberry.field(description="The day of publication, where it is known.")
    page_count: int | None = strawberry.field(description="How many pages it has.")
    price: Money | None = of_row("price", "The price; null if not on sale.")
    stock: int = strawberry.field(description="How many copies are in stock.")
    cover_url: str | None = strawberry.field(description="The address of a picture of its cover.")
    rating_average: float | None = strawberry.field(
        description="The average rating, 0 to 5; null if nobody has rated it."
    )
    rating_count: int = strawberry.field(description="How many ratings the average is made of.")
    recent_views: int = loads(
        "recent_views_by_book_id",
        "id",
        "How often the book was looked up by `book` in the last 30 days.",
        A_ROW,
    )
    source: str = strawberry.field(description="The delivery the book came with, for example gutenberg.")
    source_id: str = strawberry.field(description="The book's key in that delivery.")
    authors: list["Author"] = resolved_for_all(
        authors_of, "Everybody who contributed to it, in the book's order, once each.", FEW
    )
    contributions: list[Contribution] = loads(
        "authors_by_book_id", "id", "Who did what for it, in the book's order.", FEW
    )
    categories: list["Category"] = loads(
        "categories_by_book_id", "id", "The categories it was put into, by path; not their ancestors.", FEW
    )


def books_of_authors(
    authors: Sequence[author_reads.Author],
    context: Context,
    order: Order,
    window: Window,
    wanted: Wanted = UNSET,
) -> list[BookListed]:
    return listed_books(
        context,
        book_reads.BY_AUTHOR,
        order,
        window,
        filter_of_books(wanted),
        [(author.id, author.book_count) for author in authors],
        lambda: context.loaders.books_by_author_id(order, window),
    )


@strawberry.type(description="Somebody who contributed to books: a person, or a name that stands for one.")
class Author(Node):
    row = author_reads.Author

    slug: str = strawberry.field(description="A name for addresses, unique among authors.")
    name: str = strawberry.field(description="The name as it is read, for example Jane Austen.")
    sort_name: str = strawberry.field(description="The name as it is sorted, for example Austen, Jane.")
    birth_year: int | None = strawberry.field(description="The year of birth; negative before Christ.")
    death_year: int | None = strawberry.field(description="The year of death; negative before Christ.")
    book_count: int = strawberry.field(description="How many books they contributed to.")
    books: BookConnection = connects(
        books_of_authors, "The books they contributed to, in whatever role.", reads=["book_count"]
    )


def ancestors_of(
    categories: Sequence[category_reads.Category], context: Context
) -> Awaitable[list[list[category_reads.Category]]]:
    def lines(loaded: list[category_reads.Category | None]) -> list[list[category_reads.Category]]:
        ancestors = iter(loaded)
        return [
            [each for each in islice(ancestors, len(category.lineage) - 1) if each] for category in categories
        ]

    ids = [identity for category in categories for identity in category.lineage[:-1]]
    return context.loaders.category_by_id.load_all(ids).then(lines)


def children_of(
    categories: Sequence[category_reads.Category], context: Context, order: Order, window: Window
) -> list[Listed]:
    loader = context.loaders.children_by_category_id(window)
    count = context.loaders.count_of_children_by_category_id
    return [Listed(order, loader, category.id, count) for category in categories]


def books_of_categories(
    categories: Sequence[category_reads.Category],
    context: Context,
    order: Order,
    window: Window,
    include_descendants: Annotated[
        bool, strawberry.argument(description="Whether the books of the categories below it belong too.")
    ] = True,
    wanted: Wanted = UNSET,
) -> list[BookListed]:
    return listed_books(
        context,
        book_reads.BY_CATEGORY if include_descendants else book_reads.DIRECTLY_IN_CATEGORY,
        order,
        window,
        filter_of_books(wanted),
        [
            (category.id, category.book_count if include_descendants else category.direct_book_count)
            for category in categories
        ],
        lambda: context.loaders.books_by_category_id(order, window, descendants=include_descendants),
    )


@strawberry.type(description="A node of the tree that books are sorted into.")
class Category(Node):
    row = category_reads.Category

    name: str = strawberry.field(description="The name, for example Science fiction.")
    path: str = strawberry.field(
        description="The slugs from the root, for example fiction/science-fiction; unique."
    )
    book_count: int = strawberry.field(description="How many books it and the categories below it hold.")
    parent: "Category | None" = loads(
        "category_by_id", "parent_id", "The category above it; null for a root."
    )
    ancestors: list["Category"] = resolved_for_all(
        ancestors_of, "The categories above it, from the root down.", FEW, reads=["lineage"]
    )
    children: Connection["Category"] = connects(
        children_of, "The categories directly below it, by name.", order=category_reads.BY_NAME
    )
    books: BookConnection = connects(
        books_of_categories, "The books in it.", reads=["book_count", "direct_book_count"]
    )
