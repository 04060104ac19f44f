"""A made-up delivery of any size."""

from collections.abc import Generator

from db.importing.readers.delivery import Delivery, in_batches
from db.importing.records import BookRecord
from db.importing.seed import seeded_books


def open_seeded(count: int, seed: int) -> Delivery:
    """`count` made-up books, the same ones for the same numbers, of the source "seed"."""
    made = 0

    def rows() -> Generator[BookRecord]:
        nonlocal made
        for book in seeded_books(count, seed):
            made += 1
            yield book

    return Delivery("seed", in_batches(rows()), total=count, unit="rows", position=lambda: made)
