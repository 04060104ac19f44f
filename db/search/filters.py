"""What a list of books is asked for: a text, conditions a facet answers for, and all others."""

from dataclasses import dataclass
from enum import Enum

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
class Filter:
    """`own` are the conditions on what a facet counts, which that facet leaves out; `rest` are all others."""

    text: str | None = None
    rest: Condition = ALWAYS
    own: tuple[tuple[Facet, Condition], ...] = ()

    def search(self, meaning: Meaning | None, without: Facet | None = None) -> Search:
        """The search, without the conditions on one facet."""
        own = (condition for facet, condition in self.own if facet is not without)
        text = [meaning.condition] if meaning else []
        return Search(all_of([*text, self.rest, *own]), meaning)


EVERYTHING = Filter()
