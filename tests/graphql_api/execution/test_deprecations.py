"""Deprecated parts that operations use are found when a document is compiled, and counted by its name."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import pytest
import strawberry
from strawberry import UNSET

from graphql_api.access.roles import Role
from graphql_api.execution import deprecations
from graphql_api.execution.deprecations import OTHER_OPERATIONS, DeprecatedUses, has_deprecations
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.limits import Limits
from graphql_api.execution.manifests import ManifestDocument
from graphql_api.execution.trusted_documents import TrustedDocuments
from graphql_api.http.graphql_requests import GraphQLRequest
from graphql_api.http.persisted_documents import PersistedDocuments, RoleDocuments, TrustMode


@strawberry.enum
class Size(Enum):
    SMALL = "small"
    TINY = strawberry.enum_value("tiny", deprecation_reason="Use SMALL.")


@strawberry.input
class Filter:
    size: Size | None = UNSET
    width: int | None = strawberry.field(default=UNSET, deprecation_reason="Use size.")
    inner: "Filter | None" = UNSET


@strawberry.interface
class Named:
    name: str
    label: str = strawberry.field(deprecation_reason="Use name.")


@strawberry.type
class Book(Named):
    cover: str = strawberry.field(deprecation_reason="Use picture.")


_Skip = Annotated[int | None, strawberry.argument(deprecation_reason="Use after.")]


@strawberry.type
class Query:
    @strawberry.field
    def books(self, where: Filter | None = UNSET, skip: _Skip = UNSET, size: Size = Size.SMALL) -> list[Book]:
        return []

    @strawberry.field
    def named(self) -> Named | None:
        return None


schema = strawberry.Schema(Query)


def uses_of(text: str, operation_name: str | None = None) -> tuple[str, ...]:
    return DocumentCache(schema).get(text, operation_name).deprecated


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("{ books { name } }", ()),
        ("{ books { cover } }", ("Book.cover",)),
        ("{ books { a: cover b: cover ... on Book { label } } }", ("Book.cover", "Book.label")),
        ("{ named { label } }", ("Named.label",)),
        ("{ books(skip: 1) { name } }", ("Query.books(skip:)",)),
        ("{ books(size: TINY) { name } }", ("Size.TINY",)),
        ("{ books(where: {inner: {width: 1, size: TINY}}) { name } }", ("Filter.width", "Size.TINY")),
        ("query ($s: Size = TINY) { books(size: $s) { name } }", ("Size.TINY",)),
        (
            "query ($skip: Int) { books(skip: $skip) { ...B } } fragment B on Book { cover }",
            ("Book.cover", "Query.books(skip:)"),
        ),
        ("{ books { name @skip(if: true) } }", ()),
        ("{ __schema { types { name } } }", ()),
    ],
)
def test_what_an_operation_names_is_found(text: str, uses: tuple[str, ...]) -> None:
    assert uses_of(text) == uses


def test_only_the_fragments_of_the_operation_are_looked_at() -> None:
    text = "query A { books { name } } query B { books { ...C } } fragment C on Book { cover }"

    assert uses_of(text, "A") == ()
    assert uses_of(text, "B") == ("Book.cover",)


@pytest.mark.parametrize(
    "fields",
    [
        {"a": strawberry.field(resolver=lambda: 1, graphql_type=int, deprecation_reason="Use b.")},
        {},
    ],
)
def test_a_schema_without_deprecations_needs_no_search(fields: dict[str, object]) -> None:
    resolver = strawberry.field(resolver=lambda: 1, graphql_type=int)
    query = strawberry.type(type("Query", (), {"b": resolver, **fields}))

    assert has_deprecations(strawberry.Schema(query)._schema) is bool(fields)


def test_requests_are_counted_by_the_name_of_the_operation() -> None:
    manifest = ManifestDocument(Path("shop.json"), "old", "query Old { books { cover } }")
    trusted = TrustedDocuments([manifest], schema, Limits(), skip_invalid=False)
    documents = PersistedDocuments(
        {Role.PUBLIC: RoleDocuments(DocumentCache(schema), trusted)}, TrustMode.OFF
    )
    before = dict(documents.deprecated_uses.counts)

    for text in ("query Old { books { cover } }", "{ books { name } }", "{ books { cover label } }"):
        for _ in range(2):
            document = documents.find(GraphQLRequest(text, None, None), Role.PUBLIC)
            documents.count_deprecated_uses(document)

    assert before == {("Old", "Book.cover"): 0}
    assert documents.deprecated_uses.counts == {
        ("Old", "Book.cover"): 2,
        ("-", "Book.cover"): 2,
        ("-", "Book.label"): 2,
    }


def test_the_names_that_clients_choose_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecations, "MAX_COUNTED_USES", 2)
    uses = DeprecatedUses()
    uses.expect("Trusted", ("Book.cover",))

    for name in ("A", "B", "C", "A", "Trusted"):
        uses.count(name, ("Book.cover",))

    assert uses.counts == {
        ("Trusted", "Book.cover"): 1,
        ("A", "Book.cover"): 2,
        (OTHER_OPERATIONS, "Book.cover"): 2,
    }
