"""The two media types of GraphQL over HTTP, negotiated by the Accept header."""

from functools import lru_cache

APPLICATION_JSON = b"application/json; charset=utf-8"
"""With this type, the response to a well-formed request has status 200 even if the operation failed."""

GRAPHQL_RESPONSE_JSON = b"application/graphql-response+json; charset=utf-8"
"""With this type, the status shows whether the operation ran."""

SUPPORTED_MEDIA_TYPES = {
    "application/json": APPLICATION_JSON,
    "application/graphql-response+json": GRAPHQL_RESPONSE_JSON,
}
"""The first type is the default if the client has no preference."""


@lru_cache(maxsize=256)
def negotiate_media_type(accept: bytes) -> bytes | None:
    """Return the media type of the response, or None if the client accepts neither.

    The highest quality wins, then the most specific pattern, then the first in the header. An empty Accept
    header accepts every type.
    """
    accepted = _parse_accept(accept)
    if not accepted:
        return APPLICATION_JSON
    ranks = {name: _rank(accepted, name) for name in SUPPORTED_MEDIA_TYPES}
    preferred = max(ranks, key=lambda name: ranks[name])
    return SUPPORTED_MEDIA_TYPES[preferred] if ranks[preferred] > _NOT_ACCEPTABLE else None


@lru_cache(maxsize=256)
def prefers_html(accept: bytes) -> bool:
    """Return whether the client names text/html, and prefers no media type of GraphQL to it.

    Tools that accept every type get JSON.
    """
    accepted = _parse_accept(accept)
    html = _rank([each for each in accepted if each[0] != "*/*"], "text/html")
    return html > max(_NOT_ACCEPTABLE, *(_rank(accepted, name) for name in SUPPORTED_MEDIA_TYPES))


def _parse_accept(accept: bytes) -> list[tuple[str, float]]:
    """Return the patterns of an Accept header with their qualities, in order."""
    return [_parse_accept_item(part) for part in accept.decode("latin-1").lower().split(",") if part.strip()]


_NOT_ACCEPTABLE = (0.0, 0, 0)


def _rank(accepted: list[tuple[str, float]], name: str) -> tuple[float, int, int]:
    """Return quality, specificity and negative position of the most specific pattern that matches a type."""
    matches = [
        (specificity, -position, quality)
        for position, (pattern, quality) in enumerate(accepted)
        if (specificity := _specificity(pattern, name))
    ]
    if not matches:
        return _NOT_ACCEPTABLE
    specificity, negative_position, quality = max(matches)
    return (quality, specificity, negative_position) if quality else _NOT_ACCEPTABLE


def _parse_accept_item(part: str) -> tuple[str, float]:
    pattern, *parameters = (item.strip() for item in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return pattern, quality


def _specificity(pattern: str, name: str) -> int:
    """Return 3 for the type itself, 2 for application/*, 1 for */*, 0 if the pattern does not match."""
    main_type = name.partition("/")[0]
    return 3 if pattern == name else 2 if pattern == f"{main_type}/*" else 1 if pattern == "*/*" else 0
