"""Media types: negotiation of the response type."""

import pytest

from graphql_api.http.media_types import APPLICATION_JSON, GRAPHQL_RESPONSE_JSON, negotiate_media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", APPLICATION_JSON),
        ("*/*", APPLICATION_JSON),
        ("application/*", APPLICATION_JSON),
        ("application/json", APPLICATION_JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE_JSON),
        ("APPLICATION/GraphQL-Response+JSON; charset=utf-8", GRAPHQL_RESPONSE_JSON),
        ("application/graphql-response+json, application/json", GRAPHQL_RESPONSE_JSON),
        ("application/json, application/graphql-response+json", APPLICATION_JSON),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL_RESPONSE_JSON),
        ("application/graphql-response+json;q=0.1, */*", APPLICATION_JSON),
        ("*/*, application/json;q=0", GRAPHQL_RESPONSE_JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", APPLICATION_JSON),
        ("application/graphql-response+json, */*;q=0.1", GRAPHQL_RESPONSE_JSON),
        ("application/json;q=nonsense, application/graphql-response+json;q=0.2", GRAPHQL_RESPONSE_JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("nonsense", None),
    ],
)
def test_the_most_preferred_media_type_is_selected(accept: str, media_type: bytes | None) -> None:
    assert negotiate_media_type(accept.encode()) == media_type
