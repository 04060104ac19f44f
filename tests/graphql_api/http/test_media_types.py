"""Media types: which of the two a client gets."""

import pytest

from graphql_api.http.media_types import GRAPHQL, LEGACY, negotiated


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", LEGACY),
        ("*/*", LEGACY),
        ("application/*", LEGACY),
        ("application/json", LEGACY),
        ("application/graphql-response+json", GRAPHQL),
        ("APPLICATION/GraphQL-Response+JSON; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json, application/graphql-response+json", LEGACY),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.1, */*", LEGACY),
        ("*/*, application/json;q=0", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", LEGACY),
        ("application/graphql-response+json, */*;q=0.1", GRAPHQL),
        ("application/json;q=nonsense, application/graphql-response+json;q=0.2", GRAPHQL),
        ("text/html", None),
        ("application/json;q=0", None),
        ("nonsense", None),
    ],
)
def test_the_best_liked_is_taken(accept: str, media_type: bytes | None) -> None:
    assert negotiated(accept.encode()) == media_type
