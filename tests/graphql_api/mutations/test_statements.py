"""The statements of each mutation: few, and their number does not depend on how much is written."""

from typing import Any

import pytest

from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.mutations.conftest import Shop

ISBN = "9780306406157"
AUTHORS = ", ".join(f'{{author: {{slug: "author-{number}"}}}}' for number in range(20))
CATEGORIES = ", ".join(f'{{path: "category-{number}"}}' for number in range(20))
CREATE = f'createBook(input: {{title: "New", contributions: [{AUTHORS}], categories: [{CATEGORIES}]}})'
UPDATE = (
    f'updateBook(by: {{isbn: "{ISBN}"}}, input: {{title: "New", contributions: [{AUTHORS}], categories: []}})'
)


@pytest.mark.parametrize(
    ("mutation", "statements"),
    [
        (
            CREATE,
            "referenced_authors referenced_categories lock_counters insert_book add_book_authors"
            " add_book_categories",
        ),
        (
            UPDATE,
            "referenced_authors lock_counters lock_books_by_isbns update_book remove_book_authors add_book_authors"
            " remove_book_categories add_book_categories",
        ),
        (f'updateBook(by: {{isbn: "{ISBN}"}}, input: {{stock: 3}})', "lock_books_by_isbns update_book"),
        (
            f'deleteBook(by: {{isbn: "{ISBN}"}})',
            "lock_counters lock_books_by_isbns delete_book_links delete_book",
        ),
        (
            f'updateOffers(offers: [{{by: {{isbn: "{ISBN}"}}, stock: 3}}])',
            "lock_books_by_isbns update_offers",
        ),
        (f'adjustStock(by: {{isbn: "{ISBN}"}}, delta: 3)', "lock_books_by_isbns set_stock"),
        ('createAuthor(input: {name: "New"})', "lock_counters insert_author"),
        (
            'updateAuthor(by: {slug: "author-1"}, input: {name: "New"})',
            "lock_counters referenced_authors lock_books_of_author lock_authors update_author",
        ),
        (
            'deleteAuthor(by: {slug: "author-1"})',
            "lock_counters referenced_authors lock_authors count_contributions delete_author",
        ),
        (
            'updateAuthor(by: {slug: "author-1"}, input: {birthYear: 1900})',
            "referenced_authors lock_authors update_author",
        ),
        ('createCategory(input: {name: "New"})', "lock_counters insert_category"),
        (
            'deleteCategory(by: {path: "category-1"})',
            "lock_counters referenced_categories lock_category count_uses delete_category",
        ),
    ],
)
async def test_a_mutation_sends_these_statements(shop: Shop, mutation: str, statements: str) -> None:
    for number in range(20):
        await add_author(shop.connection, f"Author {number}")
        await add_category(shop.connection, f"Category {number}")
    await add_book(shop.connection, "Emma", isbn=ISBN)

    done = await shop.run(f"mutation {{ done: {mutation} {{ errors {{ message }} }} }}")

    assert done == {"done": {"errors": []}}
    assert shop.statements == [*statements.split(), "add_audit_entry"]


@pytest.mark.parametrize("books", [1, 100])
async def test_offers_of_many_books_are_as_many_statements_as_of_one(shop: Shop, books: int) -> None:
    for number in range(books):
        await add_book(shop.connection, f"Book {number}")
    offers: list[dict[str, Any]] = [
        {"by": {"sourceKey": {"source": "test", "sourceId": f"Book {number}"}}, "stock": 1 + number}
        for number in range(books)
    ]

    done = await shop.run(
        "mutation ($offers: [OfferInput!]!) { updateOffers(offers: $offers) { books { stock authors { name } } } }",
        offers=offers,
    )

    assert [book["stock"] for book in done["updateOffers"]["books"]] == [
        1 + number for number in range(books)
    ]
    assert shop.statements == [
        "lock_books",
        "update_offers",
        "add_audit_entry",
        "any_books_by_ids",
        "authors_by_book_ids",
    ]
