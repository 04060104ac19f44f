"""Media types of answers: the two that GraphQL has over HTTP, negotiated by Accept."""

from functools import lru_cache

LEGACY = b"application/json; charset=utf-8"
"""Under it, an answer to a well-formed request is a 200 whatever it says."""

GRAPHQL = b"application/graphql-response+json; charset=utf-8"
"""Under it, the status says whether the operation ran."""

OFFERED = {"application/json": LEGACY, "application/graphql-response+json": GRAPHQL}
"""The first is taken where the client does not mind."""


@lru_cache(maxsize=256)
def negotiated(accept: bytes) -> bytes | None:
    """The media type to answer in: of those the client likes best the one it names most exactly, then first.

    None if it takes neither. Without an Accept anything will do.
    """
    wishes = [wish(part) for part in accept.decode("latin-1").lower().split(",") if part.strip()]
    if not wishes:
        return LEGACY
    ranks = {name: rank(wishes, name) for name in OFFERED}
    liked = max(ranks, key=lambda name: ranks[name])
    return OFFERED[liked] if ranks[liked] > REFUSED else None


REFUSED = (0.0, 0, 0)


def rank(wishes: list[tuple[str, float]], name: str) -> tuple[float, int, int]:
    """How much a type is liked: the quality of the pattern that fits best, how exact that is, its place."""
    fitting = [
        (exactness, -place, quality)
        for place, (pattern, quality) in enumerate(wishes)
        if (exactness := specificity(pattern, name))
    ]
    if not fitting:
        return REFUSED
    exactness, place, quality = max(fitting)
    return (quality, exactness, place) if quality else REFUSED


def wish(part: str) -> tuple[str, float]:
    pattern, *parameters = (each.strip() for each in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return pattern, quality


def specificity(pattern: str, name: str) -> int:
    """3 for the type itself, 2 for all of its family, 1 for all types, 0 if the pattern is of others."""
    return 3 if pattern == name else 2 if pattern == "application/*" else 1 if pattern == "*/*" else 0
