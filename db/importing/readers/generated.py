"""A feed of generated books, of any size."""

from collections.abc import Generator

from db.importing.readers.feed import Feed, batch_records
from db.importing.records import ALL_FIELDS, BookRecord
from db.importing.seed import generate_books


def open_generated(count: int, seed: int) -> Feed:
    """Return a feed of `count` generated books with the source "seed". Equal arguments give equal books."""
    generated = 0

    def rows() -> Generator[BookRecord]:
        nonlocal generated
        for book in generate_books(count, seed):
            generated += 1
            yield book

    return Feed(
        "seed",
        batch_records(rows()),
        total=count,
        unit="rows",
        completed=lambda: generated,
        fields=ALL_FIELDS - {"cover_url"},
    )
