"""Filters of book lists: a text, the conditions that facets leave out, and all other conditions."""

from dataclasses import dataclass
from enum import Enum

from db.keyset import Scope
from db.search.conditions import ALWAYS, Condition, RecordKeys, all_of
from db.search.list_condition import ListCondition
from db.search.text_query import TextQuery


class Facet(Enum):
    """An attribute that facets count books by."""

    CATEGORIES = "categories"
    AUTHORS = "authors"
    LANGUAGES = "languages"
    PRICES = "prices"
    DECADES = "decades"
    RATINGS = "ratings"


@dataclass(frozen=True, slots=True)
class ListRestriction:
    """A single author or category that a filter requires.

    The list of `scope` with parent `key` holds the same books as the condition of `facet` matches. `key` is 0
    until `record_keys` are resolved, and if no record has them.
    """

    facet: Facet
    scope: Scope
    key: int
    record_keys: RecordKeys | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of books is filtered by.

    `facet_conditions` are conditions on an attribute that a facet counts; that facet leaves them out.
    `other_conditions` are all others. The list of a `restriction` can be read instead of testing each book.
    """

    text: str | None = None
    other_conditions: Condition = ALWAYS
    facet_conditions: tuple[tuple[Facet, Condition], ...] = ()
    restriction: ListRestriction | None = None

    @property
    def record_keys(self) -> list[RecordKeys]:
        """The slugs and paths in the conditions that are not resolved yet."""
        conditions = (self.other_conditions, *(condition for _, condition in self.facet_conditions))
        return [value for each in conditions for value in each.values if isinstance(value, RecordKeys)]

    def to_list_condition(self, text_query: TextQuery | None, *without: Facet | None) -> ListCondition:
        """Return the condition on the list, without the conditions of some facets."""
        kept = (condition for facet, condition in self.facet_conditions if facet not in without)
        return ListCondition(all_of([self.other_conditions, *kept]), text_query)


NO_FILTER = Filter()
