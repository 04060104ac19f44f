"""createBook, updateBook, deleteBook, updateOffers and adjustStock."""

from typing import Any

import pytest

from db.verify import run_checks
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.mutations.conftest import Shop

ISBN, OTHER_ISBN = "9780306406157", "9780261102217"

ERRORS = "errors { path code message }"
CREATE = (
    f"mutation ($input: CreateBookInput!) {{ createBook(input: $input) {{ book {{ id title }} {ERRORS} }} }}"
)
UPDATE = f"""
mutation ($by: BookKeyInput!, $input: UpdateBookInput!, $version: Int) {{
  updateBook(by: $by, input: $input, expectedVersion: $version) {{ book {{ title }} {ERRORS} }}
}}
"""
OFFERS = f"""
mutation ($offers: [OfferInput!]!) {{
  updateOffers(offers: $offers) {{ books {{ title stock price {{ amount currencyCode }} }} {ERRORS} }}
}}
"""
ADJUST = f"""
mutation ($by: BookKeyInput!, $delta: Int!) {{
  adjustStock(by: $by, delta: $delta) {{ book {{ stock }} {ERRORS} }}
}}
"""
DELETE = f"mutation ($by: BookKeyInput!) {{ deleteBook(by: $by) {{ deletedId {ERRORS} }} }}"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


async def test_a_book_is_created_with_its_authors_and_categories(shop: Shop) -> None:
    await add_author(shop.connection, "J. R. R. Tolkien")
    fiction = await add_category(shop.connection, "Fiction")
    await add_category(shop.connection, "Novels", fiction)

    created = await shop.run(
        CREATE,
        input={
            "title": "  The   Hobbit ",
            "isbn": "0-261-10221-4",
            "price": money("7.90"),
            "publishedOn": "1937-09-21",
            "rating": {"average": 4.25, "count": 100},
            "contributions": [{"author": {"slug": "j-r-r-tolkien"}}],
            "categories": [{"path": "fiction/novels"}],
        },
    )
    found = await shop.run(
        '{ book(by: {isbn: "9780261102217"}) { title price { amount } publishedYear publishedOn ratingAverage stock'
        " authors { name bookCount } categories { path bookCount } }"
        ' books(filter: {text: "hobbit tolkien"}) { nodes { title } } }'
    )

    assert created["createBook"]["errors"] == []
    assert found == {
        "book": {
            "title": "The Hobbit",
            "price": {"amount": "7.90"},
            "publishedYear": 1937,
            "publishedOn": "1937-09-21",
            "ratingAverage": 4.25,
            "stock": 0,
            "authors": [{"name": "J. R. R. Tolkien", "bookCount": 1}],
            "categories": [{"path": "fiction/novels", "bookCount": 1}],
        },
        "books": {"nodes": [{"title": "The Hobbit"}]},
    }
    assert await shop.rows("SELECT source, source_id FROM book") == [("api", "9780261102217")]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ({"title": "  "}, ["input", "title"], "INVALID"),
        ({"isbn": "9780306406158"}, ["input", "isbn"], "INVALID"),
        ({"isbn": ISBN}, ["input", "isbn"], "ALREADY_EXISTS"),
        ({"source": "test", "sourceId": "Emma"}, ["input", "sourceId"], "ALREADY_EXISTS"),
        ({"source": "name"}, ["input", "source"], "INVALID"),
        ({"source": "editor"}, ["input", "source"], "INVALID"),
        ({"source": "x" * 201}, ["input", "source"], "INVALID"),
        ({"sourceId": " "}, ["input", "sourceId"], "INVALID"),
        ({"sourceId": "x" * 201}, ["input", "sourceId"], "INVALID"),
        ({"price": money("-1")}, ["input", "price", "amount"], "INVALID"),
        ({"price": money("1.00001")}, ["input", "price", "amount"], "INVALID"),
        ({"price": money("1.005")}, ["input", "price", "amount"], "INVALID"),
        ({"price": money("1200.5", "JPY")}, ["input", "price", "amount"], "INVALID"),
        ({"price": money("1", "EURO")}, ["input", "price", "currencyCode"], "INVALID"),
        ({"stock": -1}, ["input", "stock"], "INVALID"),
        ({"stock": None}, ["input", "stock"], "INVALID"),
        ({"isPublished": None}, ["input", "isPublished"], "INVALID"),
        ({"pageCount": 0}, ["input", "pageCount"], "INVALID"),
        ({"publishedYear": 10_000}, ["input", "publishedYear"], "INVALID"),
        ({"publishedYear": 1999, "publishedOn": "2000-01-01"}, ["input", "publishedOn"], "INVALID"),
        ({"rating": {"average": 5.5, "count": 1}}, ["input", "rating", "average"], "INVALID"),
        ({"rating": {"average": 5, "count": 0}}, ["input", "rating", "average"], "INVALID"),
        ({"rating": {"average": 5, "count": -1}}, ["input", "rating", "count"], "INVALID"),
        ({"language": "not a language"}, ["input", "language"], "INVALID"),
        ({"coverUrl": "ftp://x"}, ["input", "coverUrl"], "INVALID"),
        ({"series": {"name": " "}}, ["input", "series", "name"], "INVALID"),
        ({"series": {"name": "", "position": "1"}}, ["input", "series", "name"], "INVALID"),
        ({"series": {"name": "x" * 501}}, ["input", "series", "name"], "INVALID"),
        ({"series": {"name": "Dune", "position": "x" * 51}}, ["input", "series", "position"], "INVALID"),
        (
            {"contributions": [{"author": {"slug": "x"}}]},
            ["input", "contributions", "0", "author", "slug"],
            "NOT_FOUND",
        ),
        (
            {"contributions": [{"author": {"slug": "jane"}}, {"author": {"slug": "jane"}}]},
            ["input", "contributions", "1", "author", "slug"],
            "DUPLICATE",
        ),
        ({"categories": [{"path": "x/y"}]}, ["input", "categories", "0", "path"], "NOT_FOUND"),
    ],
)
async def test_an_invalid_value_is_told_by_its_path(
    shop: Shop, values: dict[str, Any], path: list[str], code: str
) -> None:
    await add_author(shop.connection, "Jane")
    await add_book(shop.connection, "Emma", isbn=ISBN)

    created = (await shop.run(CREATE, input={"title": "New", **values}))["createBook"]

    assert created["book"] is None
    assert (path, code) in [(error["path"], error["code"]) for error in created["errors"]]
    assert await shop.rows("SELECT title FROM book") == [("Emma",)]


@pytest.mark.parametrize(("field", "path"), [("source", "source"), ("sourceId", "sourceId")])
async def test_a_nul_character_in_a_key_is_told_by_its_path(shop: Shop, field: str, path: str) -> None:
    done = await shop.run(
        f'mutation {{ createBook(input: {{title: "New", {field}: "a\\u0000"}}) {{ errors {{ path code }} }} }}'
    )

    assert done["createBook"]["errors"] == [{"path": ["input", path], "code": "INVALID"}]


async def test_zeros_after_the_last_decimal_of_a_price_are_left_out(shop: Shop) -> None:
    created = await shop.run(CREATE, input={"title": "New", "isbn": ISBN, "price": money("7.9000000")})
    set_again = await shop.run(OFFERS, offers=[{"by": {"isbn": ISBN}, "price": money("0.10000")}])

    assert created["createBook"]["errors"] == []
    assert set_again["updateOffers"]["books"][0]["price"] == money("0.10")


async def test_an_update_changes_what_is_given(shop: Shop) -> None:
    jane, john = await add_author(shop.connection, "Jane"), await add_author(shop.connection, "John")
    art = await add_category(shop.connection, "Art")
    await add_book(
        shop.connection, "Emma", isbn=ISBN, description="Old", stock=3, authors=[jane], categories=[art]
    )

    sparse = await shop.run(UPDATE, by={"isbn": ISBN}, input={"subtitle": "A novel", "description": None})
    linked = await shop.run(
        UPDATE,
        by={"sourceKey": {"source": "test", "sourceId": "Emma"}},
        input={
            "contributions": [{"author": {"slug": "john"}}, {"author": {"slug": "jane"}, "role": "EDITOR"}],
            "categories": None,
        },
    )

    assert sparse["updateBook"]["errors"] == linked["updateBook"]["errors"] == []
    assert await shop.rows("SELECT title, subtitle, description, stock, isbn FROM book") == [
        ("Emma", "A novel", None, 3, ISBN)
    ]
    assert await shop.rows("SELECT position, author_id, role FROM book_author ORDER BY position") == [
        (1, john, "AUTHOR"),
        (2, jane, "EDITOR"),
    ]
    assert await shop.rows("SELECT category_id FROM book_category") == []
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (
            {"name": "", "position": "1"},
            "series.name is empty: give a name, or null in place of the series.",
        ),
        ({"name": "x" * 501}, f"series.name is '{'x' * 60}': 501 characters; 500 are allowed."),
        (
            {"name": "Dune", "position": "9" * 51},
            f"series.position is '{'9' * 51}': 51 characters; 50 are allowed.",
        ),
    ],
)
async def test_an_invalid_series_is_refused_with_its_limit(
    shop: Shop, series: dict[str, str], message: str
) -> None:
    document = "mutation ($input: CreateBookInput!) { createBook(input: $input) { errors { message } } }"

    created = await shop.run(document, input={"title": "New", "series": series})

    assert created["createBook"]["errors"] == [{"message": message}]


async def test_a_series_is_set_moved_and_cleared(shop: Shop) -> None:
    read = "SELECT s.slug, s.name, b.series_position FROM book b LEFT JOIN series s ON s.id = b.series_id"
    by = {"isbn": ISBN}

    await shop.run(
        CREATE, input={"title": "Dune", "isbn": ISBN, "series": {"name": " Dune ", "position": "1"}}
    )
    created = await shop.rows(read)
    await shop.run(UPDATE, by=by, input={"subtitle": "A novel"})
    kept = await shop.rows(read)
    await shop.run(UPDATE, by=by, input={"series": {"name": "Dune Chronicles"}})
    moved = await shop.rows(read)
    cleared = await shop.run(UPDATE, by=by, input={"series": None})

    assert created == kept == [("dune", "Dune", "1")]
    assert moved == [("dune-chronicles", "Dune Chronicles", None)]
    assert cleared["updateBook"]["errors"] == []
    assert await shop.rows(read) == [(None, None, None)]
    assert await shop.rows("SELECT field FROM book_field ORDER BY field") == [("series",), ("subtitle",)]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


async def test_fields_that_a_mutation_sets_are_edited(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN)

    await shop.run(UPDATE, by={"isbn": ISBN}, input={"subtitle": "A novel", "stock": 0})

    assert await shop.rows("SELECT field FROM book_field") == [("subtitle",)]


async def test_another_version_than_expected_is_a_conflict(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN)

    first = await shop.run(UPDATE, by={"isbn": ISBN}, input={"title": "Emma II"}, version=1)
    second = await shop.run(UPDATE, by={"isbn": ISBN}, input={"title": "Emma III"}, version=1)

    assert first["updateBook"] == {"book": {"title": "Emma II"}, "errors": []}
    assert second["updateBook"] == {
        "book": {"title": "Emma II"},
        "errors": [
            {
                "path": ["expectedVersion"],
                "code": "CONFLICT",
                "message": "The version is 2, not 1. Read it again, then decide.",
            }
        ],
    }


async def test_an_unpublished_book_is_out_of_every_list_and_comes_back(shop: Shop) -> None:
    author = await add_author(shop.connection, "Jane")
    await add_book(shop.connection, "Emma", isbn=ISBN, authors=[author])
    public = (
        '{ book(by: {isbn: "9780306406157"}) { title } books { totalCount }'
        ' author(by: {slug: "jane"}) { bookCount } }'
    )
    editor = (
        '{ book(by: {isbn: "9780306406157"}) { isPublished version }'
        " unpublishedBooks { totalCount nodes { title } } books { totalCount } }"
    )

    await shop.run(UPDATE, by={"isbn": ISBN}, input={"isPublished": False})
    without, seen = await shop.run_as_public(public), await shop.run(editor)
    await shop.run(UPDATE, by={"isbn": ISBN}, input={"isPublished": True})
    again, seen_again = await shop.run_as_public(public), await shop.run(editor)

    assert without == {"book": None, "books": {"totalCount": 0}, "author": {"bookCount": 0}}
    assert again == {"book": {"title": "Emma"}, "books": {"totalCount": 1}, "author": {"bookCount": 1}}
    version = seen["book"]["version"]
    assert seen == {
        "book": {"isPublished": False, "version": version},
        "unpublishedBooks": {"totalCount": 1, "nodes": [{"title": "Emma"}]},
        "books": {"totalCount": 0},
    }
    assert seen_again == {
        "book": {"isPublished": True, "version": version + 1},
        "unpublishedBooks": {"totalCount": 0, "nodes": []},
        "books": {"totalCount": 1},
    }


async def test_a_deleted_book_is_gone_with_its_links(shop: Shop) -> None:
    author, art = await add_author(shop.connection, "Jane"), await add_category(shop.connection, "Art")
    await add_book(shop.connection, "Emma", isbn=ISBN, authors=[author], categories=[art])

    deleted = await shop.run(DELETE, by={"isbn": ISBN})
    again = await shop.run(DELETE, by={"isbn": ISBN})

    assert deleted["deleteBook"]["errors"] == []
    assert again["deleteBook"] == {
        "deletedId": None,
        "errors": [{"path": ["by", "isbn"], "code": "NOT_FOUND", "message": f"No book has the ISBN {ISBN}."}],
    }
    assert await shop.rows("SELECT book_count FROM author UNION ALL SELECT book_count FROM category") == [
        (0,),
        (0,),
    ]
    assert [finding for finding in await run_checks(shop.connection) if finding.count] == []


async def test_offers_are_set_in_four_statements_and_read_as_they_are_now(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, price=5, currency="EUR", stock=1)
    await add_book(shop.connection, "Hobbit", isbn=OTHER_ISBN, price=6, currency="EUR", stock=2)

    updated = await shop.run(
        OFFERS,
        offers=[
            {"by": {"isbn": OTHER_ISBN}, "price": money("7.5", "USD")},
            {"by": {"isbn": "0306406152"}, "price": None, "stock": 9},
        ],
    )

    assert updated["updateOffers"] == {
        "books": [
            {"title": "Hobbit", "stock": 2, "price": {"amount": "7.50", "currencyCode": "USD"}},
            {"title": "Emma", "stock": 9, "price": None},
        ],
        "errors": [],
    }
    assert shop.statements == ["lock_books_by_isbns", "update_offers", "add_audit_entry", "any_books_by_ids"]
    assert await shop.rows("SELECT client, mutation, items FROM audit_entry") == [
        ("office", "updateOffers", ["Book 2", "Book 1"])
    ]


async def test_one_wrong_offer_keeps_all_others_from_being_written(shop: Shop) -> None:
    book = await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)

    updated = await shop.run(
        OFFERS,
        offers=[
            {"by": {"isbn": ISBN}, "stock": 5},
            {"by": {"isbn": "0306406152"}, "stock": 6},
            {"by": {"isbn": OTHER_ISBN}, "stock": -1},
            {"by": {"isbn": "12"}, "stock": 1},
            {"by": {"id": "QXV0aG9yOjE="}},
            {"by": {"sourceKey": {"source": "test", "sourceId": "x"}}, "price": money("-1", "eur")},
        ],
    )

    assert [(error["path"], error["code"]) for error in updated["updateOffers"]["errors"]] == [
        (["offers", "1", "by", "isbn"], "DUPLICATE"),
        (["offers", "2", "stock"], "INVALID"),
        (["offers", "2", "by", "isbn"], "NOT_FOUND"),
        (["offers", "3", "by", "isbn"], "INVALID"),
        (["offers", "4", "by", "id"], "INVALID"),
        (["offers", "5", "price", "amount"], "INVALID"),
        (["offers", "5", "by", "sourceKey"], "NOT_FOUND"),
    ]
    assert await shop.rows("SELECT id, stock FROM book") == [(book, 1)]


async def test_a_price_has_at_most_the_decimals_of_its_currency(shop: Shop) -> None:
    book = await add_book(shop.connection, "Emma", isbn=ISBN)
    offer = {"by": {"isbn": ISBN}}

    refused = await shop.run(OFFERS, offers=[{**offer, "price": money("1200.5", "JPY")}])
    written = await shop.run(OFFERS, offers=[{**offer, "price": money("1200.00", "JPY")}])

    assert refused["updateOffers"]["errors"] == [
        {
            "path": ["offers", "0", "price", "amount"],
            "code": "INVALID",
            "message": "The amount is 1200.5, but JPY has no decimals; write 1200 or 1201.",
        }
    ]
    assert written["updateOffers"]["errors"] == []
    assert await shop.rows("SELECT id, price, currency FROM book") == [(book, 1200, "JPY")]


async def test_the_stock_is_adjusted_but_never_below_zero(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=2)

    taken = await shop.run(ADJUST, by={"isbn": ISBN}, delta=-2)
    refused = await shop.run(ADJUST, by={"isbn": ISBN}, delta=-1)
    too_many = await shop.run(ADJUST, by={"isbn": ISBN}, delta=2**31 - 1)
    more = await shop.run(ADJUST, by={"isbn": ISBN}, delta=1)
    most = await shop.run(ADJUST, by={"isbn": ISBN}, delta=2**31 - 1)

    assert taken["adjustStock"]["book"] == {"stock": 0}
    assert refused["adjustStock"]["errors"] == [
        {
            "path": ["delta"],
            "code": "INSUFFICIENT_STOCK",
            "message": "The stock is 0: 1 cannot be taken from it.",
        }
    ]
    assert too_many["adjustStock"]["book"] == {"stock": 2**31 - 1}
    assert more["adjustStock"]["errors"][0]["code"] == most["adjustStock"]["errors"][0]["code"] == "INVALID"


async def test_the_steps_of_a_mutation_see_each_other_and_fail_alone(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)

    done = await shop.run(
        """mutation {
          first: adjustStock(by: {isbn: "9780306406157"}, delta: 2) { book { stock } errors { code } }
          second: createBook(input: {title: "Copy", isbn: "9780306406157"}) { book { title } errors { code } }
          third: adjustStock(by: {isbn: "9780306406157"}, delta: -1) { book { stock } errors { code } }
        }"""
    )

    assert done == {
        "first": {"book": {"stock": 3}, "errors": []},
        "second": {"book": None, "errors": [{"code": "ALREADY_EXISTS"}]},
        "third": {"book": {"stock": 2}, "errors": []},
    }
    assert await shop.rows("SELECT title, stock FROM book") == [("Emma", 2)]
    assert await shop.rows("SELECT mutation FROM audit_entry ORDER BY id") == [
        ("adjustStock",),
        ("adjustStock",),
    ]


async def test_an_answer_without_data_has_written_nothing(shop: Shop) -> None:
    await add_book(shop.connection, "Emma", isbn=ISBN, stock=1)
    document = """mutation {
      a: adjustStock(by: {isbn: "9780306406157"}, delta: 1) { book { stock } }
      b: updateBook(by: {isbn: "9780306406157"}, input: {subtitle: "\\u0000"}) { book { title } }
    }"""

    failed = await shop.post(document, key="k")
    repeated = await shop.post(document, key="k")
    stock = await shop.rows("SELECT stock FROM book")

    assert failed.json()["data"] is None
    assert failed.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (failed.content, stock) == (repeated.content, [(1,)])
    assert await shop.rows("SELECT count(*) FROM audit_entry") == [(0,)]
