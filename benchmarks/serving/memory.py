"""Watch a worker's memory over many requests of many operations: `python -m benchmarks.serving.memory`.

Each operation is another document: it asks for another choice of columns, under other aliases, of the page
of a category, its children or its authors. 1,000 fill the cache of documents, and the connections' caches of
prepared statements many times over.
"""

import argparse
from itertools import cycle, islice
from random import Random

import orjson
import uvloop
from rich.console import Console

from benchmarks.serving.catalog import WORK_FOLDER, catalog_of
from benchmarks.serving.cores import cores, pinned
from benchmarks.serving.load import load
from benchmarks.serving.meters import memory_of
from benchmarks.serving.servers import SERVERS, started
from benchmarks.serving.works import SEED, values_of_works

COLUMNS = (
    *("title", "subtitle", "isbn", "language", "publishedYear", "publishedOn", "pageCount", "stock"),
    *("coverUrl", "ratingAverage", "ratingCount", "source", "sourceId", "description"),
    *("price { amount }", "authors { name }", "categories { path }"),
)


def documents(count: int) -> list[str]:
    """So many different documents; the same ones every time."""
    random, found = Random(SEED), dict[str, None]()  # noqa: S311 - nothing is to be kept secret
    while len(found) < count:
        chosen = random.sample(COLUMNS, random.randint(3, 10))
        fields = " ".join(f"{column.partition(' ')[0]}{len(found)}: {column}" for column in chosen)
        found[
            f"query Page($path: String!) {{ category(by: {{path: $path}}) {{ name"
            f" books(first: {random.randint(1, 20)}) {{ nodes {{ {fields} }} }} }} }}"
        ] = None
    return list(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.memory", description=__doc__)
    parser.add_argument("--books", type=int, default=10_000, help="the size of the catalog")
    parser.add_argument("--operations", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    server = next(server for server in SERVERS if server.key == "ours")
    server_core, other_core = cores()
    console = Console()
    with pinned(other_core), catalog_of(options.books, WORK_FOLDER, console) as catalog:
        paths = uvloop.run(values_of_works(catalog.dsn))["category_page"]
        asked = zip(cycle(documents(options.operations)), cycle(paths), strict=False)
        bodies = [
            orjson.dumps({"query": text, "variables": {"path": path}})
            for text, path in islice(asked, 2 * options.operations + 1)
        ]
        with started(server, catalog.dsn, server_core, WORK_FOLDER / "logs") as running:
            answered = 0
            console.print(f"{answered:>9,} requests: {memory_of(running.pid):.1f} MB")
            while answered < options.requests:
                done = uvloop.run(load(running.port, bodies, connections=16, seconds=10))
                answered += done.requests
                console.print(f"{answered:>9,} requests: {memory_of(running.pid):.1f} MB")


if __name__ == "__main__":
    main()
