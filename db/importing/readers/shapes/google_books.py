"""Volumes of the Google Books API."""

from db.importing.readers.shapes.shape import Shape, as_list, as_object, drop_absent

_KEYS = {
    "isbn_13": ("industryIdentifiers",),
    "isbn_10": ("industryIdentifiers",),
    "published": ("publishedDate",),
    "pages": ("pageCount",),
    "rating_average": ("averageRating",),
    "rating_count": ("ratingsCount",),
    "cover_url": ("imageLinks",),
    "format": (),
    "price": ("saleability",),
    "currency": ("saleability",),
}


def _flatten(volume: dict[str, object]) -> dict[str, object]:
    info, sale = as_object(volume.get("volumeInfo")), as_object(volume.get("saleInfo"))
    price = as_object(sale.get("retailPrice")) or as_object(sale.get("listPrice"))
    images = as_object(info.get("imageLinks"))
    numbers = {
        str(each.get("type")): each.get("identifier")
        for each in map(as_object, as_list(info.get("industryIdentifiers")))
    }
    return drop_absent(
        {
            "source_id": volume.get("id"),
            "isbn_13": numbers.get("ISBN_13"),
            "isbn_10": numbers.get("ISBN_10"),
            "title": info.get("title"),
            "subtitle": info.get("subtitle"),
            "authors": info.get("authors"),
            "publisher": info.get("publisher"),
            "published": info.get("publishedDate"),
            "description": info.get("description"),
            "pages": info.get("pageCount"),
            "categories": info.get("categories"),
            "rating_average": info.get("averageRating"),
            "rating_count": info.get("ratingsCount"),
            "language": info.get("language"),
            "format": "ebook" if sale.get("isEbook") is True else None,
            "cover_url": images.get("thumbnail") or images.get("smallThumbnail"),
            "price": price.get("amount"),
            "currency": price.get("currencyCode"),
        },
        {**sale, **info},
        _KEYS,
    )


SHAPE = Shape("Google Books", "volumeInfo", lambda value: isinstance(value["volumeInfo"], dict), _flatten)
