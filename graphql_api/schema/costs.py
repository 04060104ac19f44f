"""Costs of the schema's fields and types."""

from db.search.facets import FACET_BOOK_LIMIT
from graphql_api.execution.cost_directives import Cost, ListSize

ONE_ROW = Cost(weight="1")
NO_ROWS = Cost(weight="0")
FACET_COST = Cost(weight=str(FACET_BOOK_LIMIT // 20))
"""A facet counts at most FACET_BOOK_LIMIT books. Counting a book takes 1/20 of the time of reading a row."""
SHORT_LIST = ListSize(assumed_size=4)
