"""What a list of books is asked for: a text, conditions a facet answers for, and all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from db.books import IN_CATALOG
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
    In the whole catalog, a `place` is read in its own order instead of being looked for."""

    text: str | None = None
    rest: Condition = ALWAYS
    own: tuple[tuple[Facet, Condition], ...] = ()
    place: Place | None = None

    def within(
        self, scope: Scope, parents: Sequence[int], meaning: Meaning | None
    ) -> tuple[Scope, Sequence[int], Search]:
        """The shortest list that holds the books of a list that are asked for, and the search in it."""
        if self.place and scope == IN_CATALOG:
            return self.place.scope, [self.place.key], self.search(meaning, self.place.facet)
        return scope, parents, self.search(meaning)

    def search(self, meaning: Meaning | None, *without: Facet | None) -> Search:
        """The search, without the conditions on some facets."""
        own = (condition for facet, condition in self.own if facet not in without)
        text = [meaning.condition] if meaning else []
        return Search(all_of([*text, self.rest, *own]), meaning)


EVERYTHING = Filter()
