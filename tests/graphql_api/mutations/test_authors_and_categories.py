"""Mutations of authors and categories: their look-ups, redirects and refusals."""

from typing import Any

import pytest

from db.verify import run_checks
from db.writes import categories
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.mutations.conftest import Shop

ERRORS = "errors { path code message }"


async def find_problems(shop: Shop) -> list[Any]:
    return [finding for finding in await run_checks(shop.connection) if finding.count]


async def test_an_author_is_created_with_a_derived_sort_name(shop: Shop) -> None:
    created = await shop.run(
        'mutation { createAuthor(input: {name: "Ursula K. Le Guin", birthYear: 1929}) {'
        f" author {{ slug sortName birthYear bookCount }} {ERRORS} }} }}"
    )

    assert created["createAuthor"] == {
        "author": {
            "slug": "ursula-k-le-guin",
            "sortName": "Le Guin, Ursula K.",
            "birthYear": 1929,
            "bookCount": 0,
        },
        "errors": [],
    }


@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ('name: " "', ["input", "name"], "INVALID"),
        ('name: "jane AUSTEN"', ["input", "name"], "ALREADY_EXISTS"),
        ('name: "New", birthYear: 10000', ["input", "birthYear"], "INVALID"),
        ('name: "New", birthYear: 1900, deathYear: 1800', ["input", "deathYear"], "INVALID"),
    ],
)
async def test_an_invalid_author_is_told(shop: Shop, values: str, path: list[str], code: str) -> None:
    await add_author(shop.connection, "Jane Austen")

    created = await shop.run(
        f"mutation {{ createAuthor(input: {{{values}}}) {{ author {{ name }} errors {{ path code }} }} }}"
    )

    assert created["createAuthor"] == {"author": None, "errors": [{"path": path, "code": code}]}


@pytest.mark.parametrize(
    ("values", "sort_name"),
    [
        ("sortName: null", "Austen, Jane"),
        ('sortName: ""', "Austen, Jane"),
        ('sortName: "Miss Austen"', "Miss Austen"),
        ("birthYear: 1775", "Jane A."),
        ('name: "Jane Leigh"', "Leigh, Jane"),
        ('name: "Jane Leigh", sortName: "Jane L."', "Jane L."),
    ],
)
async def test_a_sort_name_that_is_not_given_is_derived(shop: Shop, values: str, sort_name: str) -> None:
    await shop.run(
        'mutation { createAuthor(input: {name: "Jane Austen", sortName: "Jane A."}) { errors { code } } }'
    )

    changed = await shop.run(
        'mutation { updateAuthor(by: {slug: "jane-austen"}, input: {'
        f"{values}}}) {{ author {{ sortName }} {ERRORS} }} }}"
    )

    assert changed["updateAuthor"] == {"author": {"sortName": sort_name}, "errors": []}


async def test_a_renamed_author_is_found_by_the_old_slug(shop: Shop) -> None:
    author = await add_author(shop.connection, "Jane")
    await add_book(shop.connection, "Emma", authors=[author])

    await shop.run(
        'mutation { updateAuthor(by: {slug: "jane"}, input: {name: "Jane Austen"}) { errors { code } } }'
    )
    found = await shop.run(
        """{
          old: author(by: {slug: "jane"}) { slug sortName }
          new: author(by: {slug: "jane-austen"}) { slug }
          withBooks: author(by: {slug: "jane"}) { slug books { nodes { title } } }
          books(filter: {text: "austen"}) { nodes { title } }
        }"""
    )

    assert found == {
        "old": {"slug": "jane-austen", "sortName": "Austen, Jane"},
        "new": {"slug": "jane-austen"},
        "withBooks": {"slug": "jane-austen", "books": {"nodes": [{"title": "Emma"}]}},
        "books": {"nodes": [{"title": "Emma"}]},
    }
    assert await find_problems(shop) == []


async def test_merged_authors_keep_books_roles_and_order(shop: Shop) -> None:
    jane, j_austen, john = [await add_author(shop.connection, name) for name in ("Jane", "J Austen", "John")]
    await add_book(shop.connection, "Emma", authors=[john, jane, (j_austen, "EDITOR")])
    await add_book(shop.connection, "Both", authors=[j_austen, jane, john])
    await add_book(shop.connection, "Other", authors=[john, j_austen])
    old = (await shop.run('{ author(by: {slug: "j-austen"}) { id } }'))["author"]["id"]

    merged = await shop.run(
        'mutation { mergeAuthors(into: {slug: "jane"}, from: {slug: "j-austen"}) {'
        f" author {{ slug bookCount }} {ERRORS} }} }}"
    )
    found = await shop.run(
        'query ($id: ID!) { node(id: $id) { ... on Author { slug } } author(by: {slug: "j-austen"}) { slug } }',
        id=old,
    )

    assert merged["mergeAuthors"] == {"author": {"slug": "jane", "bookCount": 3}, "errors": []}
    assert found == {"node": {"slug": "jane"}, "author": {"slug": "jane"}}
    assert await shop.rows(
        "SELECT b.title, l.position, l.author_id, l.role FROM book_author l JOIN book b ON b.id = l.book_id"
        " ORDER BY b.id, l.position"
    ) == [
        ("Emma", 1, john, "AUTHOR"),
        ("Emma", 2, jane, "AUTHOR"),
        ("Emma", 3, jane, "EDITOR"),
        ("Both", 1, jane, "AUTHOR"),
        ("Both", 2, john, "AUTHOR"),
        ("Other", 1, john, "AUTHOR"),
        ("Other", 2, jane, "AUTHOR"),
    ]
    assert await find_problems(shop) == []


async def test_a_merge_leads_on_the_redirects_of_the_author_who_is_gone(shop: Shop) -> None:
    for name in ("A", "B", "C"):
        await add_author(shop.connection, name)
    merge = 'mutation {{ mergeAuthors(into: {{slug: "{}"}}, from: {{slug: "{}"}}) {{ errors {{ code }} }} }}'

    await shop.run(merge.format("b", "a"))
    await shop.run(merge.format("c", "b"))
    same = await shop.run(merge.format("c", "a"))
    found = await shop.run('{ a: author(by: {slug: "a"}) { slug } b: author(by: {slug: "b"}) { slug } }')

    assert found == {"a": {"slug": "c"}, "b": {"slug": "c"}}
    assert same["mergeAuthors"]["errors"] == [{"code": "INVALID"}]
    assert await find_problems(shop) == []


MERGE = 'mutation {{ mergeAuthors(into: {{slug: "{}"}}, from: {{slug: "{}"}}) {{ errors {{ code }} }} }}'
RENAME = 'mutation {{ updateAuthor(by: {{slug: "{}"}}, input: {{name: "{}"}}) {{ errors {{ code }} }} }}'


async def test_each_id_of_merged_authors_is_found_although_they_had_the_same_slug(shop: Shop) -> None:
    await add_author(shop.connection, "Kept")
    ids: list[str] = []
    for _ in range(2):
        ids.append(global_id("Author", await add_author(shop.connection, "A")))
        await shop.run(MERGE.format("kept", "a"))
    await shop.run(RENAME.format("kept", "A"))
    await shop.run(RENAME.format("a", "Other"))

    found = await shop.run("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Author { slug } } }", ids=ids)
    changed = await shop.run(
        "mutation ($id: ID!) { updateAuthor(by: {id: $id}, input: {birthYear: 1}) { author { slug } } }",
        id=ids[0],
    )

    assert found == {"nodes": [{"slug": "other"}, {"slug": "other"}]}
    assert changed == {"updateAuthor": {"author": {"slug": "other"}}}


async def test_an_author_who_got_the_first_name_back_can_be_merged(shop: Shop) -> None:
    for name in ("A", "Kept"):
        await add_author(shop.connection, name)
    await shop.run(RENAME.format("a", "B"))
    await shop.run(RENAME.format("b", "A"))

    merged = await shop.run(MERGE.format("kept", "a"))
    found = await shop.run('{ a: author(by: {slug: "a"}) { slug } b: author(by: {slug: "b"}) { slug } }')

    assert merged == {"mergeAuthors": {"errors": []}}
    assert found == {"a": {"slug": "kept"}, "b": {"slug": "kept"}}


async def test_an_author_with_books_is_not_deleted(shop: Shop) -> None:
    author = await add_author(shop.connection, "Jane")
    book = await add_book(shop.connection, "Emma", authors=[author])
    delete = f'mutation {{ deleteAuthor(by: {{slug: "jane"}}) {{ deletedId {ERRORS} }} }}'

    refused = await shop.run(delete)
    await shop.connection.execute("DELETE FROM book WHERE id = $1", book)
    deleted = await shop.run(delete)

    assert refused["deleteAuthor"] == {
        "deletedId": None,
        "errors": [
            {
                "path": ["by", "slug"],
                "code": "IN_USE",
                "message": "Books that refer to this author: 1. Take it from them, or merge it into another one.",
            }
        ],
    }
    assert deleted["deleteAuthor"]["errors"] == []
    assert await shop.rows("SELECT count(*) FROM author") == [(0,)]


async def test_a_moved_category_takes_its_subtree_along(shop: Shop) -> None:
    fiction, art = [await add_category(shop.connection, name) for name in ("Fiction", "Art")]
    novels = await add_category(shop.connection, "Novels", fiction)
    crime = await add_category(shop.connection, "Crime", novels)
    await add_book(shop.connection, "Emma", categories=[crime])

    moved = await shop.run(
        'mutation { moveCategory(by: {path: "fiction/novels"}, parent: {path: "art"}) {'
        " category { path bookCount parent { path bookCount } } errors { code } } }"
    )
    await shop.run(
        'mutation { updateCategory(by: {path: "art"}, input: {name: "Arts"}) { errors { code } } }'
    )
    found = await shop.run(
        """{
          oldest: category(by: {path: "fiction/novels/crime"}) { path books { nodes { title } } }
          older: category(by: {path: "art/novels"}) { path children { nodes { path } } }
          fiction: category(by: {path: "fiction"}) { bookCount }
        }"""
    )

    assert moved["moveCategory"] == {
        "category": {"path": "art/novels", "bookCount": 1, "parent": {"path": "art", "bookCount": 1}},
        "errors": [],
    }
    assert found == {
        "oldest": {"path": "arts/novels/crime", "books": {"nodes": [{"title": "Emma"}]}},
        "older": {"path": "arts/novels", "children": {"nodes": [{"path": "arts/novels/crime"}]}},
        "fiction": {"bookCount": 0},
    }
    assert (await shop.rows("SELECT id FROM category WHERE id = $1", art)) == [(art,)]
    assert await find_problems(shop) == []


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        ('createCategory(input: {name: "fiction"})', ["input", "name"], "ALREADY_EXISTS"),
        ('createCategory(input: {name: ""})', ["input", "name"], "INVALID"),
        ('createCategory(input: {name: "A", parent: {path: "x"}})', ["input", "parent", "path"], "NOT_FOUND"),
        ('updateCategory(by: {path: "x"}, input: {name: "A"})', ["by", "path"], "NOT_FOUND"),
        (
            'updateCategory(by: {path: "fiction"}, input: {name: "A"}, expectedVersion: 9)',
            ["expectedVersion"],
            "CONFLICT",
        ),
        ('moveCategory(by: {path: "fiction"}, parent: {path: "fiction/novels"})', ["parent"], "INVALID"),
        ('moveCategory(by: {id: "QXV0aG9yOjE="}, parent: null)', ["by", "id"], "INVALID"),
        ('deleteCategory(by: {path: "fiction"})', ["by", "path"], "IN_USE"),
        ('deleteCategory(by: {path: "fiction/novels"})', ["by", "path"], "IN_USE"),
    ],
)
async def test_an_impossible_change_of_a_category_is_told(
    shop: Shop, document: str, path: list[str], code: str
) -> None:
    fiction = await add_category(shop.connection, "Fiction")
    novels = await add_category(shop.connection, "Novels", fiction)
    await add_book(shop.connection, "Emma", categories=[novels])

    refused = await shop.run(f"mutation {{ done: {document} {{ errors {{ path code }} }} }}")

    assert refused["done"]["errors"] == [{"path": path, "code": code}]
    assert await shop.rows("SELECT path FROM category ORDER BY path") == [("fiction",), ("fiction/novels",)]


async def test_a_move_needs_a_parent_or_null(shop: Shop) -> None:
    await add_category(shop.connection, "Fiction")

    response = await shop.post('mutation { moveCategory(by: {path: "fiction"}) { category { path } } }')

    assert response.json() == {
        "data": None,
        "errors": [
            {
                "message": "parent is missing: give a category, or null for a root category.",
                "locations": [{"line": 1, "column": 12}],
                "path": ["moveCategory"],
                "extensions": {"code": "BAD_USER_INPUT", "argument": "parent"},
            }
        ],
    }


async def test_a_category_with_too_many_books_is_not_moved_by_a_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(categories, "MAX_REWRITTEN_BOOKS", 1)
    fiction = await add_category(shop.connection, "Fiction")
    for title in ("Emma", "Sea"):
        await add_book(shop.connection, title, categories=[fiction])

    refused = await shop.run(
        f'mutation {{ updateCategory(by: {{path: "fiction"}}, input: {{name: "A"}}) {{ {ERRORS} }} }}'
    )

    assert refused["updateCategory"]["errors"] == [
        {
            "path": ["by", "path"],
            "code": "TOO_LARGE",
            "message": "2 books are in this category and below, and a request rewrites at most 1: each is searched by the "
            "names of its categories. Rename or move it by SQL, in the table category, which takes as long as it needs.",
        }
    ]


async def test_a_moved_category_leaves_the_versions_of_its_books(shop: Shop) -> None:
    fiction, art = [await add_category(shop.connection, name) for name in ("Fiction", "Art")]
    novels = await add_category(shop.connection, "Novels", fiction)
    await add_book(shop.connection, "Emma", categories=[novels])
    before = await shop.rows("SELECT version FROM book")

    await shop.run(
        'mutation { moveCategory(by: {path: "fiction/novels"}, parent: {path: "art"}) { errors { code } } }'
    )

    assert await shop.rows("SELECT version FROM book") == before
    assert await shop.rows("SELECT book_count FROM category WHERE id = $1", art) == [(1,)]
