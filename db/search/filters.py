"""What a list of books is asked for: a text, conditions a facet answers for, and all others."""

from dataclasses import dataclass
from enum import Enum

from db.pages import Scope
from db.search.conditions import ALWAYS, Condition, all_of
from db.search.lists import Search
from db.search.text import Meaning


class Facet(Enum):
    """What books are counted by."""

    CATEGORIES = "categories"
    AUTHORS = "authors"
    LANGUAGES = "languages"
    PRICES = "prices"
    DECADES = "decades"
    RATINGS = "ratings"


@dataclass(frozen=True, slots=True)
class Place:
    """One author or category whose books alone are asked for: what their facet's condition says, as the list
    under `key` that says the same."""

    facet: Facet
    scope: Scope
    key: int


@dataclass(frozen=True, slots=True)
class Filter:
    """`own` are the conditions on what a facet counts, which that facet leaves out; `rest` are all others.
    A `place` can be read in its own order instead of being looked for."""

    text: str | None = None
    rest: Condition = ALWAYS
    own: tuple[tuple[Facet, Condition], ...] = ()
    place: Place | None = None

    def search(self, meaning: Meaning | None, *without: Facet | None) -> Search:
        """The search, without the conditions on some facets."""
        own = (condition for facet, condition in self.own if facet not in without)
        text = [meaning.condition] if meaning else []
        return Search(all_of([*text, self.rest, *own]), meaning)


EVERYTHING = Filter()
