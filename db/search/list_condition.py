"""List conditions: the text and the other conditions that a list of records is restricted to."""

from dataclasses import dataclass

from db.search.conditions import Condition, all_of
from db.search.text_query import TextQuery


@dataclass(frozen=True, slots=True)
class ListCondition:
    """The text query and the other conditions that a list is restricted to."""

    others: Condition
    text_query: TextQuery | None = None

    @property
    def condition(self) -> Condition:
        """The condition of the text and the others."""
        text = [self.text_query.condition] if self.text_query else []
        return all_of([*text, self.others])

    @property
    def hits(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The ids and scores of the hits of the text, if all are known and ranked."""
        query = self.text_query
        if query is None or query.book_ids is None or query.scores is None:
            return None
        return query.book_ids, query.scores
