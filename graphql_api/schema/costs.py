"""Costs of fields: the schema directives of IBM's GraphQL Cost Directives specification.

The weight is a string there. Apollo Federation has directives of the same names whose weight is an integer: a
subgraph imports them under other names, for example `{name: "@cost", as: "@federation__cost"}`.
"""

import strawberry
from strawberry.schema_directive import Location

from db.search.facets import FACET_BOOK_LIMIT


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="The cost of this field, or of each object of this type, in rows read. Default: 1 per "
    "object, 0 per scalar or enum value. Facets are charged by the time that counting takes.",
    name="cost",
)
class Cost:
    weight: str = strawberry.directive_field(name="weight")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The size of a list for cost analysis: the value, or the length, of the first slicing "
    "argument that is given; otherwise the assumed size. It applies to the sized fields, or to the field "
    "itself if there are none. No slicing argument is required.",
    name="listSize",
)
class ListSize:
    assumed_size: int = strawberry.directive_field(name="assumedSize")
    slicing_arguments: list[str] | None = strawberry.directive_field(
        name="slicingArguments", default=strawberry.UNSET
    )
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)
    require_one_slicing_argument: bool = strawberry.directive_field(
        name="requireOneSlicingArgument", default=False
    )


ONE_ROW = Cost(weight="1")
NO_ROWS = Cost(weight="0")
FACET_COST = Cost(weight=str(FACET_BOOK_LIMIT // 20))
"""A facet counts at most FACET_BOOK_LIMIT books. Counting a book takes 1/20 of the time of reading a row."""
SHORT_LIST = ListSize(assumed_size=4)
