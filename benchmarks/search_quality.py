"""Search for known books of two real catalogs, and print the share that is found first, by kind of text.

    python -m benchmarks.search_quality --catalogs ../shared/catalogs --evaluation ../shared/search-eval

The catalogs and the evaluation, a script with its queries, are not part of the project. The server runs on a
database of its own, on DATABASE_URL's server or else an embedded one.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.import_benchmark import benchmark_server, temporary_database
from db.importing.importer import import_feed
from db.importing.readers import open_feed
from db.migrations import migrate

CATALOGS = {"gutenberg": "gutenberg-2025-12", "goodbooks": "goodbooks/books.csv"}
"""The format of each catalog, and its place in the folder of the catalogs."""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how well texts find known books.")
    parser.add_argument("--catalogs", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    options = parser.parse_args()
    missing = [
        path
        for path in (*catalog_paths(options.catalogs), options.evaluation / "eval.py")
        if not path.exists()
    ]
    if missing:
        sys.exit(f"Not measured: {', '.join(map(str, missing))} does not exist.")
    with benchmark_server() as server_dsn:
        async with temporary_database(server_dsn) as dsn:
            await asyncio.to_thread(migrate, dsn)
            await import_catalogs(dsn, options.catalogs)
            with serve(dsn) as url:
                command = [sys.executable, str(options.evaluation / "eval.py"), "--url", url]
                await asyncio.to_thread(subprocess.run, command, check=True)


def catalog_paths(folder: Path) -> list[Path]:
    return [folder / place for place in CATALOGS.values()]


async def import_catalogs(dsn: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as rejects:
        for name, place in CATALOGS.items():
            feed = await open_feed(name, [folder / place])
            await import_feed(dsn, feed, rejects=Path(rejects) / f"{name}.csv")


@contextmanager
def serve(dsn: str) -> Generator[str]:
    """Yield the URL of a server process on a free port."""
    environment = {**os.environ, "DATABASE_URL": dsn, "PORT": "0", "HOST": "127.0.0.1"}
    with tempfile.NamedTemporaryFile("w+") as log:
        command = [str(Path(sys.executable).parent / "bookstore"), "serve"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield wait_for_url(Path(log.name), process)
        finally:
            process.terminate()
            process.wait()


def wait_for_url(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the URL that the server prints when it is ready."""
    while process.poll() is None:
        if found := re.search(r"http://\S+/graphql", log.read_text()):
            return found[0]
        time.sleep(0.1)
    sys.exit(f"The server ended:\n{log.read_text()}")


if __name__ == "__main__":
    asyncio.run(main())
