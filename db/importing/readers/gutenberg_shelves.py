"""Split Project Gutenberg's bookshelf cells, which join names by "/" although names may contain "/".

Only shelves with a prefix contain a slash ("Category: Plays/Films/Dramas"), and no part after the slash has
a prefix. A part without a prefix may continue the previous name or be a separate shelf ("Category:
Novels/Nobel Prizes in Literature"). A continuation always follows the same beginning, and no other. A first
pass over all cells finds the continuations. In a feed of a few books the result can be wrong: a shelf then
gets a longer name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath

_ROOT = "Bookshelves"

_PREFIXES = ("Category: ", "Browsing: ")


@dataclass(slots=True)
class Shelves:
    """The parts that always follow each beginning of a name, learnt from all cells.

    `preceding` maps a part to the beginning that it follows, or to "" if it follows several.
    """

    endings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    preceding: dict[str, str] = field(default_factory=dict[str, str])

    def learn(self, cell: str) -> None:
        for begin, followers in _split_runs(cell.split("/")):
            if not begin.startswith(_PREFIXES):
                continue
            ending = self.endings.setdefault(begin, followers)
            if ending != followers:
                self.endings[begin] = _common_prefix(ending, followers)
            for part in followers:
                if self.preceding.setdefault(part, _strip_prefix(begin)) != _strip_prefix(begin):
                    self.preceding[part] = ""

    def names(self, cell: str) -> Iterator[str]:
        """Yield the shelf names of a cell, without their prefixes."""
        for begin, followers in _split_runs(cell.split("/")):
            parts = [part for part in self.endings.get(begin, []) if self.preceding[part]]
            ending = _common_prefix(parts, followers)
            yield "/".join([_strip_prefix(begin), *ending])
            yield from followers[len(ending) :]


def shelf_path(name: str) -> CategoryPath:
    return field_parsers.parse_category_path([_ROOT, name])


def _strip_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _common_prefix(left: list[str], right: list[str]) -> list[str]:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return left[:length]


def _split_runs(parts: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each part that may begin a name, with the following parts that may continue it."""
    at = 0
    while at < len(parts):
        end = at + 1
        if parts[at].startswith(_PREFIXES):
            while end < len(parts) and not parts[end].startswith(_PREFIXES):
                end += 1
        yield parts[at], parts[at + 1 : end]
        at = end
