"""Project Gutenberg's bookshelves: cells that join names by "/", which occurs inside of names, too.

Only shelves with a prefix have a slash in their name ("Category: Plays/Films/Dramas"), and no part
behind it has a prefix itself. That leaves open whether a part without one ends the name before it or
is a shelf of its own ("Category: Novels/Nobel Prizes in Literature"). The end of a name follows its
beginning every time and follows no other, a shelf of its own does neither: a first pass over all
cells finds out which is which. In a delivery of a few books it can be wrong, at the cost of a shelf
with a longer name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from db.importing import fields
from db.importing.fields import CategoryPath

ROOT = "Bookshelves"

PREFIXES = ("Category: ", "Browsing: ")


@dataclass(slots=True)
class Shelves:
    """For every beginning of a name the parts that always follow, learnt from all cells.

    `before` tells after which beginning a part has been met: "" after more than one.
    """

    endings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    before: dict[str, str] = field(default_factory=dict[str, str])

    def learn(self, cell: str) -> None:
        for begin, followers in _runs(cell.split("/")):
            if not begin.startswith(PREFIXES):
                continue
            known = self.endings.setdefault(begin, followers)
            if known != followers:
                self.endings[begin] = _common_start(known, followers)
            for part in followers:
                if self.before.setdefault(part, _plain(begin)) != _plain(begin):
                    self.before[part] = ""

    def names(self, cell: str) -> Iterator[str]:
        """The names of the shelves in a cell, without their prefixes."""
        for begin, followers in _runs(cell.split("/")):
            parts = [part for part in self.endings.get(begin, []) if self.before[part]]
            ending = _common_start(parts, followers)
            yield "/".join([_plain(begin), *ending])
            yield from followers[len(ending) :]


def shelf_path(name: str) -> CategoryPath:
    return fields.category_path([ROOT, name])


def _plain(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _common_start(left: list[str], right: list[str]) -> list[str]:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return left[:length]


def _runs(parts: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each part that may begin a name, with those behind it that may go on with it."""
    at = 0
    while at < len(parts):
        end = at + 1
        if parts[at].startswith(PREFIXES):
            while end < len(parts) and not parts[end].startswith(PREFIXES):
                end += 1
        yield parts[at], parts[at + 1 : end]
        at = end
