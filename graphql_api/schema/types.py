"""Book, Author, Category and what hangs on them; one module, since they refer to each other.

The objects behind the types are the records of `db`: plain fields read their attributes, relations
are resolvers over the loaders.
"""

from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.pages import Order
from graphql_api.context import Info
from graphql_api.schema.fields import resolved_by
from graphql_api.schema.ids import global_id
from graphql_api.schema.inputs import BookOrder, order_of_books
from graphql_api.schema.pagination import After, Before, Connection, First, Last, window
from graphql_api.schema.scalars import ISBN

Record = book_reads.Book | author_reads.Author | category_reads.Category

OrderBy = Annotated[
    BookOrder | None, strawberry.argument(description="How to sort; by title if it is not given.")
]


def id_of(root: strawberry.Parent[Record]) -> strawberry.ID:
    return strawberry.ID(global_id(type(root).__name__, root.id))


@strawberry.interface(description="Anything that has a global id and can be found again by it.")
class Node:
    id: strawberry.ID = resolved_by(
        id_of, "An opaque id, unique over all types; `node` finds the object again."
    )


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description='The amount, exact, as a string: "12.90".')
    currency_code: str = strawberry.field(description="The currency's ISO 4217 code, for example EUR.")


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
    position: int = strawberry.field(description="The author's place among the book's authors, from 1.")
    role: ContributorRole = resolved_by(role_of, "What the author did.")
    author: "Author" = strawberry.field(description="Who did it.")


async def description_of(root: strawberry.Parent[book_reads.Book], info: Info) -> str | None:
    return await info.context.loaders.description_by_book_id.load(root.id)


async def recent_views_of(root: strawberry.Parent[book_reads.Book], info: Info) -> int:
    return await info.context.loaders.recent_views_by_book_id.load(root.id)


def price_of(root: strawberry.Parent[book_reads.Book]) -> Money | None:
    if root.price is None or root.currency is None:
        return None
    return Money(amount=root.price, currency_code=root.currency)


async def contributions_of(
    root: strawberry.Parent[book_reads.Book], info: Info
) -> list[author_reads.Contribution]:
    return await info.context.loaders.authors_by_book_id.load(root.id)


async def authors_of(root: strawberry.Parent[book_reads.Book], info: Info) -> list[author_reads.Author]:
    contributions = await info.context.loaders.authors_by_book_id.load(root.id)
    return list({contribution.author.id: contribution.author for contribution in contributions}.values())


async def categories_of(
    root: strawberry.Parent[book_reads.Book], info: Info
) -> list[category_reads.Category]:
    return await info.context.loaders.categories_by_book_id.load(root.id)


@strawberry.type(description="One edition of a book.")
class Book(Node):
    title: str = strawberry.field(description="The title, without the subtitle.")
    subtitle: str | None = strawberry.field(description="The subtitle, or the series and number in it.")
    isbn: ISBN | None = strawberry.field(description="The ISBN-13; null if it has none.")
    description: str | None = resolved_by(description_of, "What the book is about; plain text.")
    language: str | None = strawberry.field(
        description="The text's language as a BCP 47 tag, for example en or pt-BR."
    )
    published_year: int | None = strawberry.field(
        description="The year of publication; negative before Christ."
    )
    published_on: date | None = strawberry.field(description="The day of publication, where it is known.")
    page_count: int | None = strawberry.field(description="How many pages it has.")
    price: Money | None = resolved_by(price_of, "The price; null if not on sale.")
    stock: int = strawberry.field(description="How many copies are in stock.")
    cover_url: str | None = strawberry.field(description="The address of a picture of its cover.")
    rating_average: float | None = strawberry.field(
        description="The average rating, 0 to 5; null if nobody has rated it."
    )
    rating_count: int = strawberry.field(description="How many ratings the average is made of.")
    recent_views: int = resolved_by(
        recent_views_of, "How often the book was looked up by `book` in the last 30 days."
    )
    source: str = strawberry.field(description="The delivery the book came with, for example gutenberg.")
    source_id: str = strawberry.field(description="The book's key in that delivery.")
    authors: list["Author"] = resolved_by(
        authors_of, "Everybody who contributed to it, in the book's order, once each."
    )
    contributions: list[Contribution] = resolved_by(
        contributions_of, "Who did what for it, in the book's order."
    )
    categories: list["Category"] = resolved_by(
        categories_of, "The categories it was put into, by path; not their ancestors."
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, book_reads.Book)


async def books_of_author(
    root: strawberry.Parent[author_reads.Author],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    order_by: OrderBy = UNSET,
) -> Connection["Book"]:
    order = order_of_books(order_by)
    loader = info.context.loaders.books_by_author_id(order, window(order, first, after, last, before))
    return Connection(order=order, page=partial(loader.load, root.id), count=root.book_count)


@strawberry.type(description="Somebody who contributed to books: a person, or a name that stands for one.")
class Author(Node):
    slug: str = strawberry.field(description="A name for addresses, unique among authors.")
    name: str = strawberry.field(description="The name as it is read, for example Jane Austen.")
    sort_name: str = strawberry.field(description="The name as it is sorted, for example Austen, Jane.")
    birth_year: int | None = strawberry.field(description="The year of birth; negative before Christ.")
    death_year: int | None = strawberry.field(description="The year of death; negative before Christ.")
    book_count: int = strawberry.field(description="How many books they contributed to.")
    books: Connection[Book] = resolved_by(books_of_author, "The books they contributed to, in whatever role.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, author_reads.Author)


async def parent_of(
    root: strawberry.Parent[category_reads.Category], info: Info
) -> category_reads.Category | None:
    if root.parent_id is None:
        return None
    return await info.context.loaders.category_by_id.load(root.parent_id)


async def ancestors_of(
    root: strawberry.Parent[category_reads.Category], info: Info
) -> list[category_reads.Category]:
    ancestors = await info.context.loaders.category_by_id.load_many(root.lineage[:-1])
    return [ancestor for ancestor in ancestors if ancestor]


async def children_of(
    root: strawberry.Parent[category_reads.Category],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection["Category"]:
    order = Order(category_reads.NAME)
    loader = info.context.loaders.children_by_category_id(window(order, first, after, last, before))
    count = info.context.loaders.count_of_children_by_category_id
    return Connection(order=order, page=partial(loader.load, root.id), count=partial(count.load, root.id))


async def books_of_category(
    root: strawberry.Parent[category_reads.Category],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    order_by: OrderBy = UNSET,
    include_descendants: Annotated[
        bool, strawberry.argument(description="Whether the books of the categories below it belong too.")
    ] = True,
) -> Connection[Book]:
    order = order_of_books(order_by)
    loader = info.context.loaders.books_by_category_id(
        order, window(order, first, after, last, before), descendants=include_descendants
    )
    count = root.book_count if include_descendants else root.direct_book_count
    return Connection(order=order, page=partial(loader.load, root.id), count=count)


@strawberry.type(description="A node of the tree that books are sorted into.")
class Category(Node):
    name: str = strawberry.field(description="The name, for example Science fiction.")
    path: str = strawberry.field(
        description="The slugs from the root, for example fiction/science-fiction; unique."
    )
    book_count: int = strawberry.field(description="How many books it and the categories below it hold.")
    parent: "Category | None" = resolved_by(parent_of, "The category above it; null for a root.")
    ancestors: list["Category"] = resolved_by(ancestors_of, "The categories above it, from the root down.")
    children: Connection["Category"] = resolved_by(children_of, "The categories directly below it, by name.")
    books: Connection[Book] = resolved_by(books_of_category, "The books in it.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, category_reads.Category)
