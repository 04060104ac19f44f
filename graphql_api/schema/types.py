"""The types Book, Author, Category and Series, and the connections and facets of books.

They are in one module because they refer to each other. The values of the first four are records of `db`:
plain fields read columns of a record, and relations use the loaders.
"""

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db import series as series_reads
from db import works as work_reads
from db.search.filtered_lists import COUNT_LIMIT
from db.search.filters import Facet
from db.search.hit_limits import MAX_RANKED_HITS, RANK_CANDIDATES
from db.search.text_query import MAX_TEXT_LENGTH
from graphql_api.access.roles import Role
from graphql_api.execution.fields import PageUse, batch_field, object_field, same_row_field
from graphql_api.loaders import catalog
from graphql_api.schema.availability import BookAvailability, resolve_availability
from graphql_api.schema.book_connections import (
    MatchedField,
    resolve_book_edges,
    resolve_did_you_mean,
    resolve_facets,
    resolve_highlighted_titles,
    resolve_matched_on,
    resolve_searched_texts,
)
from graphql_api.schema.book_format import BookFormat
from graphql_api.schema.book_slugs import book_slug
from graphql_api.schema.connections import connection_field
from graphql_api.schema.contributor_role import ContributorRole
from graphql_api.schema.costs import FACET_COST, NO_ROWS, ONE_ROW, SHORT_LIST
from graphql_api.schema.cover import Cover
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.facet_values import (
    DecadeCount,
    FacetValue,
    LanguageCount,
    PriceCount,
    RatingCount,
    counted_decade,
    counted_language,
    counted_price,
    counted_rating,
)
from graphql_api.schema.facets import (
    ALL_FACETS_SIZE,
    SLICED_FACET_SIZE,
    CountList,
    FacetOfField,
    facet_field,
    resolve_all_facets,
    resolve_author_counts,
    resolve_category_counts,
)
from graphql_api.schema.fields import loader_field
from graphql_api.schema.money import Money
from graphql_api.schema.node import Node
from graphql_api.schema.pagination import (
    EDGES_USE,
    NODES_USE,
    PAGE_INFO_USE,
    Connection,
    PageInfo,
    resolve_nodes,
    resolve_page_infos,
    resolve_total_counts,
    resolve_total_counts_capped,
)
from graphql_api.schema.relations import (
    RELATED_COST,
    resolve_ancestors,
    resolve_author_books,
    resolve_authors,
    resolve_category_books,
    resolve_children,
    resolve_related_books,
    resolve_series_books,
)
from graphql_api.schema.restrictions import restrict_to
from graphql_api.schema.scalars import ISBN, URL, LanguageCode
from graphql_api.schema.truncation import truncate_text
from graphql_api.schema.works import (
    WORK_COST,
    resolve_editions,
    resolve_other_editions,
    resolve_work,
    resolve_work_authors,
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


_TruncateAtArg = Annotated[
    int | None,
    strawberry.argument(
        description="Return at most this number of characters, at least 1. A longer text is cut between "
        "words, or between letters if that would leave less than half, and ends with an ellipsis, which is "
        "counted. Default: the whole text."
    ),
]


def _resolve_description(
    root: strawberry.Parent[book_reads.Book], truncate_at: _TruncateAtArg = UNSET
) -> str | None:
    text: str | None = root["description"]
    if truncate_at is None or truncate_at is UNSET:
        return text
    if truncate_at < 1:
        raise UserInputError("truncateAt", f"truncateAt is {truncate_at}; it must be at least 1.")
    return None if text is None else truncate_text(text, truncate_at)


def _resolve_in_stock(root: strawberry.Parent[book_reads.Book]) -> bool:
    return root["stock"] > 0


@strawberry.type(description="The place of a book in its series.")
class SeriesEntry:
    record_class = series_reads.SeriesOfBook

    position: str | None = strawberry.field(
        description="The position in the series, for example 1, 1.5, 0 or 1-3; null if it is unknown."
    )
    series: "Series" = strawberry.field(description="The series.")


def _resolve_format(root: strawberry.Parent[book_reads.Book]) -> BookFormat | None:
    return None if root["format"] is None else BookFormat(root["format"])


def _resolve_slug(root: strawberry.Parent[book_reads.Book]) -> str:
    return book_slug(root["title"], root["id"])


_VERSION = "The version, which moves with every change. A mutation can expect it."


@strawberry.type(description="One edition of a book.")
class Book(Node):
    record_class = book_reads.Book

    title: str = strawberry.field(description="The title, without the subtitle.")
    slug: str = object_field(
        _resolve_slug,
        "A name for URLs: words of the title and a number, for example pride-and-prejudice-42. It follows "
        "the title. `book` finds the book by any former slug too: redirect to the present one if it differs.",
        reads=["title"],
        trusted=True,
    )
    subtitle: str | None = strawberry.field(
        description="The subtitle, or the series and the number in the series."
    )
    series: SeriesEntry | None = loader_field(
        catalog.series_by_book_id,
        "id",
        "The series that the book is in, with its position there; null if it is in none.",
    )
    isbn: ISBN | None = strawberry.field(description="The ISBN-13; null if the book has none.")
    description: str | None = object_field(
        _resolve_description,
        "A description of the book as plain text.",
        reads=["description"],
        trusted=True,
    )
    language: LanguageCode | None = strawberry.field(
        description="The language of the text as a BCP 47 tag, for example en or pt-BR."
    )
    publisher: str | None = strawberry.field(description="The name of the publisher.")
    format: BookFormat | None = object_field(
        _resolve_format, "The format of this edition; null if it is unknown.", reads=["format"]
    )
    published_year: int | None = strawberry.field(
        description="The year of publication. Years BC are negative."
    )
    published_on: date | None = strawberry.field(
        description="The day of publication; null if only the year, or nothing, is known."
    )
    page_count: int | None = strawberry.field(description="The number of pages.")
    price: Money | None = same_row_field("price", "The price; null if the book is not for sale.")
    availability: BookAvailability = object_field(
        resolve_availability,
        "Whether the book can be bought.",
        reads=["price", "stock", "published_on", "published_year"],
    )
    stock: int = strawberry.field(description="The number of copies in stock.")
    in_stock: bool = object_field(
        _resolve_in_stock,
        "Whether copies are in stock, as in the filter `inStock`.",
        reads=["stock"],
        trusted=True,
    )
    cover: Cover | None = same_row_field(
        "cover_url", "The image of the cover; null if there is none.", reads=["title"]
    )
    cover_url: URL | None = strawberry.field(
        description="The URL of the image of the cover, as `cover { url }`."
    )
    rating_average: float | None = strawberry.field(
        description="The average rating, 0 to 5; null if the book has no ratings."
    )
    rating_count: int = strawberry.field(description="The number of ratings.")
    recent_views: int = restrict_to(
        Role.EDITOR,
        loader_field(
            catalog.recent_views_by_book_id,
            "id",
            "The number of times the book was looked up with `book` in the last 30 days.",
            ONE_ROW,
        ),
    )
    source: str = strawberry.field(
        description="The source that the book was imported from, for example gutenberg."
    )
    source_id: str = strawberry.field(description="The key of the book in that source.")
    added_at: datetime = strawberry.field(description="The time when the book was added to the catalog.")
    updated_at: datetime = strawberry.field(
        description="The time of the last change of the book, its contributors or its categories. A view is "
        "no change."
    )
    is_published: bool = restrict_to(
        Role.EDITOR, strawberry.field(description="Whether the book is in the lists of the public.")
    )
    version: int = restrict_to(Role.EDITOR, strawberry.field(description=_VERSION))
    authors: list["Author"] = batch_field(
        resolve_authors,
        "The authors for a byline, in the book's order, each once. `contributions` has all contributors.",
        SHORT_LIST,
    )
    contributions: list[Contribution] = loader_field(
        catalog.authors_by_book_id,
        "id",
        "All contributions with their roles, in the book's order.",
        SHORT_LIST,
    )
    categories: list["Category"] = loader_field(
        catalog.categories_by_book_id,
        "id",
        "The categories that the book is assigned to, without their ancestors, sorted by path.",
        SHORT_LIST,
    )
    breadcrumb: list["Category"] = loader_field(
        catalog.breadcrumb_by_book_id,
        "id",
        "The path from a root category down to the main category of the book; empty if it has no category. "
        "The main one of several is the deepest; of equally deep ones, the one with the most books.",
        SHORT_LIST,
    )
    related: list["Book"] = batch_field(
        resolve_related_books,
        "Popular books that share an author or a category with this one: never this book or another edition "
        "of it, and one edition per work. Those that share most come first: an author counts 3, a category "
        "2, the language 1. Among equals, the one with the most ratings is first.",
        *RELATED_COST,
    )
    work: "Work" = batch_field(
        resolve_work,
        "The work that this book is an edition of. A book alone is the only edition of its work.",
        WORK_COST,
    )
    editions: "BookConnection" = connection_field(
        resolve_other_editions,
        "The other editions of the same work: other formats, printings and languages, never this book.",
        by_popularity=True,
    )


@strawberry.type(
    description="What all editions of a book have in common: a text by an author. Books are editions of one "
    "work if their titles agree without notes on the edition, and their first authors have the same name. "
    "Volumes, adaptations and selections are works of their own."
)
class Work(Node):
    record_class = work_reads.Work

    title: str = strawberry.field(description="The title of its most popular edition.")
    authors: list["Author"] = batch_field(
        resolve_work_authors, "The authors for a byline of its most popular edition.", SHORT_LIST
    )
    edition_count: int = strawberry.field(description="The number of its editions.")
    editions: "BookConnection" = connection_field(
        resolve_editions, "The editions of the work.", by_popularity=True
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
    books: "BookConnection" = connection_field(
        resolve_author_books,
        "The books that the author contributed to, in any role or in the given roles.",
        reads=["book_count"],
    )
    version: int = restrict_to(Role.EDITOR, strawberry.field(description=_VERSION))


@strawberry.type(description="A category of books. Categories form a tree.")
class Category(Node):
    record_class = category_reads.Category

    name: str = strawberry.field(description="The name, for example Science fiction.")
    path: str = strawberry.field(
        description="The slugs from the root category down, for example fiction/science-fiction; unique."
    )
    book_count: int = strawberry.field(description="The number of books in the category and its descendants.")
    parent: "Category | None" = loader_field(
        catalog.category_by_id, "parent_id", "The parent category; null for a root category."
    )
    ancestors: list["Category"] = batch_field(
        resolve_ancestors,
        "The ancestors, from the root category down to the parent.",
        SHORT_LIST,
        reads=["lineage"],
    )
    children: Connection["Category"] = connection_field(
        resolve_children, "The child categories, sorted by name.", order=category_reads.BY_NAME
    )
    books: "BookConnection" = connection_field(
        resolve_category_books,
        "The books in the category and, by default, its descendants.",
        reads=["book_count", "direct_book_count"],
    )
    version: int = restrict_to(Role.EDITOR, strawberry.field(description=_VERSION))


@strawberry.type(description="A series of books.")
class Series(Node):
    record_class = series_reads.Series

    slug: str = strawberry.field(description="A name for URLs, unique among series, for example discworld.")
    name: str = strawberry.field(description="The name, as most of the books write it.")
    book_count: int = loader_field(
        catalog.count_of_books_by_series_id, "id", "The number of books in the series.", ONE_ROW
    )
    books: "BookConnection" = connection_field(
        resolve_series_books,
        "The books in the series by position: 1, 1.5, 2, 10. Those without a position come last.",
        order=book_reads.IN_SERIES_ORDER,
    )


@strawberry.type(description="A category, and the number of books in it or its descendants.")
class CategoryCount(FacetValue):
    category: Category | None = loader_field(
        catalog.category_by_id, "key", "The category; null if it was deleted while the query ran."
    )


@strawberry.type(description="An author, and the number of books they contributed to.")
class AuthorCount(FacetValue):
    author: Author | None = loader_field(
        catalog.author_by_id, "key", "The author; null if they were deleted while the query ran."
    )


@strawberry.type(
    description="Values that could narrow the list further, with the number of books of each. A facet "
    "ignores the filter's top-level conditions on its own field, so that it also shows the alternatives.",
    directives=[NO_ROWS],
)
class Facets:
    all: list[FacetOfField] = batch_field(
        resolve_all_facets,
        "The facets of any field in one shape, for one component that draws them all.",
        ALL_FACETS_SIZE,
    )
    categories: CountList[CategoryCount] = batch_field(
        resolve_category_counts,
        "Books by category, for the categories of one level of the tree.",
        FACET_COST,
        SLICED_FACET_SIZE,
    )
    authors: CountList[AuthorCount] = batch_field(
        resolve_author_counts,
        "Books by author, counting every contributor role.",
        FACET_COST,
        SLICED_FACET_SIZE,
    )
    languages: CountList[LanguageCount] = facet_field(Facet.LANGUAGES, counted_language, "Books by language.")
    prices: CountList[PriceCount] = facet_field(
        Facet.PRICES, counted_price, "Books by price range and currency."
    )
    decades: CountList[DecadeCount] = facet_field(
        Facet.DECADES, counted_decade, "Books by decade of publication."
    )
    ratings: CountList[RatingCount] = facet_field(
        Facet.RATINGS, counted_rating, "Books by average rating, rounded down."
    )


@strawberry.type(
    description="One book of a list, its cursor, and how it matches the filter's text.", directives=[NO_ROWS]
)
class BookEdge:
    node: Book = strawberry.field(description="The book.")
    cursor: str = strawberry.field(
        description="The position in the list, for the arguments `after` and `before`."
    )
    matched_on: list[MatchedField] = batch_field(
        resolve_matched_on,
        "The parts of the book that match words of the filter's text; empty without a text.",
    )
    highlighted_title: str = batch_field(
        resolve_highlighted_titles,
        "The title as HTML, with <mark> around the words of the filter's text; everything else is escaped.",
        reads=["title"],
        record_class=book_reads.Book,
    )


@strawberry.type(description="One page of a list of books.", directives=[NO_ROWS])
class BookConnection:
    edges: list[BookEdge] = batch_field(
        resolve_book_edges, "The books of the page with their cursors.", page_use=EDGES_USE
    )
    nodes: list[Book] = batch_field(
        resolve_nodes, "The books of the page without cursors.", page_use=NODES_USE
    )
    page_info: PageInfo = batch_field(
        resolve_page_infos, "The position of the page in the list.", page_use=PAGE_INFO_USE
    )
    total_count: int = batch_field(
        resolve_total_counts,
        f"The number of books of the whole list. With a filter, counting stops at {COUNT_LIMIT:,}. A list "
        f"sorted by relevance has about {RANK_CANDIDATES} books if the text matches more than "
        f"{MAX_RANKED_HITS:,}: some of the most rated, and those whose title is the text.",
        ONE_ROW,
    )
    total_count_is_capped: bool = batch_field(
        resolve_total_counts_capped, "Whether more books match than `totalCount`."
    )
    searched_text: str | None = batch_field(
        resolve_searched_texts,
        f"The text that was searched for: the first {MAX_TEXT_LENGTH} characters of the filter's text; null "
        "without a text.",
    )
    did_you_mean: str | None = batch_field(
        resolve_did_you_mean,
        "The probably intended text, spelled as in the best hit. The books of the list are those of this "
        "text. Null if a book matches the words as typed.",
    )
    facets: Facets = batch_field(
        resolve_facets,
        "The numbers of books by value, for narrowing the list further.",
        page_use=PageUse(prefetchable=False),
    )
