"""Watch a worker's memory over many requests of many operations: `python -m benchmarks.serving.memory`.

Each operation is a different document: it selects other columns, under other aliases, of a category's page of
books. 1,000 operations fill the document cache, and the connections' prepared-statement caches many times over.
"""

import argparse
from itertools import cycle, islice
from random import Random

import orjson
import uvloop
from rich.console import Console

from benchmarks.serving.catalog import WORK_FOLDER, open_catalog
from benchmarks.serving.cores import choose_cores, pin_to_core
from benchmarks.serving.load import build_requests, run_load
from benchmarks.serving.meters import memory_mb_of
from benchmarks.serving.servers import SERVERS, start_server
from benchmarks.serving.workloads import SEED, workload_values

COLUMNS = (
    *("title", "subtitle", "isbn", "language", "publishedYear", "publishedOn", "pageCount", "stock"),
    *("coverUrl", "ratingAverage", "ratingCount", "description"),
    *("price { amount }", "authors { name }", "categories { path }"),
)


def build_documents(count: int) -> list[str]:
    """Return `count` different documents, the same ones every time."""
    random, texts = Random(SEED), dict[str, None]()  # noqa: S311 - nothing is secret
    while len(texts) < count:
        chosen = random.sample(COLUMNS, random.randint(3, 10))
        fields = " ".join(f"{column.partition(' ')[0]}{len(texts)}: {column}" for column in chosen)
        texts[
            f"query Page($path: String!) {{ category(by: {{path: $path}}) {{ name"
            f" books(first: {random.randint(1, 20)}) {{ nodes {{ {fields} }} }} }} }}"
        ] = None
    return list(texts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.memory", description=__doc__)
    parser.add_argument("--books", type=int, default=10_000, help="the size of the catalog")
    parser.add_argument("--operations", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    server = next(server for server in SERVERS if server.key == "ours")
    server_core, other_core = choose_cores()
    console = Console()
    with pin_to_core(other_core), open_catalog(options.books, WORK_FOLDER, console) as catalog:
        paths = uvloop.run(workload_values(catalog.dsn))["category_page"]
        pairs = zip(cycle(build_documents(options.operations)), cycle(paths), strict=False)
        bodies = [
            orjson.dumps({"query": text, "variables": {"path": path}})
            for text, path in islice(pairs, 2 * options.operations + 1)
        ]
        requests = build_requests(bodies)
        with start_server(server, catalog.dsn, server_core, WORK_FOLDER / "logs") as running:
            answered = 0
            console.print(f"{answered:>9,} requests: {memory_mb_of(running.pid):.1f} MB")
            while answered < options.requests:
                done = uvloop.run(run_load(running.port, requests, connections=16, seconds=10))
                answered += done.requests
                console.print(f"{answered:>9,} requests: {memory_mb_of(running.pid):.1f} MB")


if __name__ == "__main__":
    main()
