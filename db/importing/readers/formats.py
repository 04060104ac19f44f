"""Import formats: their names, the options that they accept, and how their feeds are opened."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from db.importing.readers.feed import Feed

Option = Literal["--map", "--source", "--from", "--table", "--currency"]

FLAT_OPTIONS: frozenset[Option] = frozenset(("--map", "--source", "--currency"))
"""The options of formats whose rows are flat records."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """The options of an import. Those that its format does not accept have their default.

    - `source` is the value of book.source.
    - `mapping` maps columns to fields of the flat record.
    - `table` is the table of the server to read.
    - `currency` is that of prices without one (ISO 4217).
    """

    source: str
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    table: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """An import format.

    - `open` checks the sources and returns their feed unread, directly or as an awaitable. The sources are
      files and folders, or the server's DSN if the format accepts `--from`. It raises CatalogImportError.
    - `help` says in one line what the format reads.
    """

    name: str
    open: Callable[[Sequence[Path | str], FeedOptions], Feed | Awaitable[Feed]]
    help: str
    accepts: frozenset[Option] = frozenset()
