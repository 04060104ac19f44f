"""The sample: public-domain books that a new catalog starts with, under a source of their own."""

import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.readers import Feed, RecordBatch, open_feed
from db.importing.seed_views import seed_views

SAMPLE = "sample"
"""The source of the sample's books."""


@contextmanager
def _private_rejects() -> Generator[Path]:
    """Yield the path of a rejects file in a folder that is removed: the sample has no rejects."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "rejects.csv"


async def import_sample(dsn: str) -> int:
    """Import the sample with views of its books. Return its number of books."""
    with as_file(files("db.importing") / "sample.jsonl") as path, _private_rejects() as rejects:
        feed = await open_feed("jsonl", [path], source=SAMPLE)
        books = (await import_feed(dsn, feed, rejects=rejects)).new
    await seed_views(dsn)
    return books


async def remove_sample(dsn: str) -> int:
    """Delete the books of the sample, and the authors and categories that only they had. Return their number.

    Readers see the catalog with all of them or with none, as after any import.
    """

    async def no_batches() -> AsyncGenerator[RecordBatch]:
        return
        yield []

    feed = Feed(SAMPLE, no_batches(), total=0, unit="rows", completed=lambda: 0)
    with _private_rejects() as rejects:
        summary = await import_feed(
            dsn, feed, rejects=rejects, options=ImportOptions(missing="delete", missing_limit=100)
        )
    return summary.plan.deleted
