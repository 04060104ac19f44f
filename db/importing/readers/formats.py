"""Import formats: their names, the options that they accept, and how their feeds are opened."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from db.importing.field_parsers import DateOrder, DecimalMark
from db.importing.readers.feed import Feed

Option = Literal[
    "--map", "--source", "--from", "--table", "--currency", "--decimal-comma", "--date-order", "--author-separator",
    "--category-separator", "--ignore", "--key", "--encoding", "--delimiter", "--no-header", "--skip-lines",
]  # fmt: skip

FLAT_OPTIONS: frozenset[Option] = frozenset(
    (
        *("--map", "--source", "--currency", "--decimal-comma", "--date-order"),
        *("--author-separator", "--category-separator", "--ignore"),
    )
)
"""The options of formats whose rows are flat records."""

TABLE_OPTIONS: frozenset[Option] = FLAT_OPTIONS | frozenset[Option](
    ("--key", "--encoding", "--delimiter", "--no-header", "--skip-lines")
)
"""The options of formats whose files are tables of flat records."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How the cells and files of a feed are written, where the reader should not find out itself.

    - `decimal_mark` and `date_order` say how numbers and days are written.
    - `author_separator` and `category_separator` alone separate authors and paths of categories.
    - `ignore` are headings that are not read.
    - `key` are the headings whose texts together identify a book.
    - `encoding` is a name of Python, such as "windows-1252".
    - `delimiter` separates the cells of a row.
    - `header` is false if the first row is a book: columns are named by their numbers then, from 1.
    - `skip_lines` is the number of lines before the headings.
    """

    decimal_mark: DecimalMark = ""
    date_order: DateOrder = ""
    author_separator: str = ""
    category_separator: str = ""
    ignore: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    skip_lines: int = 0

    def options_given(self) -> list[Option]:
        """Return the options that were given."""
        given: dict[Option, object] = {
            "--decimal-comma": self.decimal_mark, "--date-order": self.date_order,
            "--author-separator": self.author_separator, "--category-separator": self.category_separator,
            "--ignore": self.ignore, "--key": self.key, "--encoding": self.encoding,
            "--delimiter": self.delimiter, "--no-header": not self.header, "--skip-lines": self.skip_lines,
        }  # fmt: skip
        return [option for option, value in given.items() if value]


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """The options of an import. Those that its format does not accept have their default.

    - `source` is the value of book.source.
    - `mapping` maps columns to fields of the flat record.
    - `table` is the table of the server to read.
    - `currency` is that of prices without one (ISO 4217).
    - `reading` says how cells and files are written.
    """

    source: str
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    table: str | None = None
    currency: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)


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
