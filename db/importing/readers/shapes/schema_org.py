"""Books of schema.org in JSON-LD."""

from db.importing.readers.shapes.shape import Shape, as_list, as_object, drop_absent

_ROLES = {
    "author": "author",
    "creator": "author",
    "editor": "editor",
    "translator": "translator",
    "illustrator": "illustrator",
    "readBy": "narrator",
    "contributor": "contributor",
}
_KEYS = {
    "source_id": (),
    "isbn": ("isbn", "gtin13"),
    "title": ("name", "headline"),
    "subtitle": ("alternativeHeadline",),
    "series": ("isPartOf",),
    "series_position": ("isPartOf", "position"),
    "authors": tuple(_ROLES),
    "published": ("datePublished",),
    "pages": ("numberOfPages",),
    "categories": ("genre",),
    "language": ("inLanguage",),
    "format": ("bookFormat",),
    "cover_url": ("image",),
    "rating_average": ("aggregateRating",),
    "rating_count": ("aggregateRating",),
    "price": ("offers",),
    "currency": ("offers",),
}
_TYPES = frozenset(("Book", "Audiobook"))
_SERIES_TYPES = frozenset(("BookSeries", "CreativeWorkSeries"))


def _matches(value: dict[str, object]) -> bool:
    return any(str(each).rpartition("/")[2] in _TYPES for each in as_list(value.get("@type")))


def _flatten(book: dict[str, object]) -> dict[str, object]:
    offer, rating = as_object(book.get("offers")), as_object(book.get("aggregateRating"))
    authors = [
        person
        for key, role in _ROLES.items()
        for each in as_list(book.get(key))
        if (person := _flatten_person(each, role))
    ]
    return drop_absent(
        {
            "source_id": book.get("@id") or book.get("sku") or book.get("url") or book.get("isbn"),
            "isbn": _text(book.get("isbn") or book.get("gtin13")),
            "title": _text(book.get("name") or book.get("headline")),
            "subtitle": _text(book.get("alternativeHeadline")),
            **_flatten_series(book),
            "authors": authors,
            "publisher": _text(book.get("publisher")),
            "published": _text(book.get("datePublished")),
            "description": _text(book.get("description")),
            "pages": book.get("numberOfPages"),
            "categories": [text for each in as_list(book.get("genre")) if (text := _text(each))],
            "language": _text(book.get("inLanguage")),
            "format": (_text(book.get("bookFormat")) or "").rpartition("/")[2].removesuffix("Format"),
            "cover_url": _text(book.get("image")),
            "rating_average": rating.get("ratingValue"),
            "rating_count": rating.get("ratingCount") or rating.get("reviewCount"),
            "price": offer.get("price") or offer.get("lowPrice"),
            "currency": offer.get("priceCurrency"),
        },
        book,
        _KEYS,
    )


def _flatten_series(book: dict[str, object]) -> dict[str, object]:
    """Return the first series that the book is part of; other things that it is part of are none."""
    for each in as_list(book.get("isPartOf")):
        thing = as_object(each)
        if str(thing.get("@type", "")).rpartition("/")[2] in _SERIES_TYPES and (name := _text(thing)):
            return {"series": name, "series_position": book.get("position") or thing.get("position")}
    return {"series": None, "series_position": None}


def _flatten_person(value: object, role: str) -> dict[str, object] | None:
    if isinstance(value, str):
        return {"name": value, "role": role}
    person = as_object(value)
    name = person.get("name") or " ".join(
        str(person[key]) for key in ("givenName", "familyName") if person.get(key)
    )
    return {"name": name, "role": role} if name else None


def _text(value: object) -> str | None:
    """Return a text, the first of a list, or the name, the code or the address of an object."""
    first = next(iter(as_list(value)), None)
    if thing := as_object(first):
        found = next(
            (thing[key] for key in ("name", "alternateName", "@value", "url", "@id") if thing.get(key)), None
        )
        return str(found) if found else None
    return str(first) if first is not None else None


SHAPE = Shape("schema.org", "@type", _matches, _flatten)
