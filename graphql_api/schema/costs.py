"""What fields cost, visible in the schema: the directives of IBM's GraphQL Cost Directives specification."""

import strawberry
from strawberry.schema_directive import Location

from db.search.facets import MOST_COUNTED


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="How many rows of the catalog one of these takes, or what counts books is worth in time. An "
    "object takes 1 and a plain value 0, unless this says otherwise.",
    name="cost",
)
class Cost:
    weight: str = strawberry.directive_field(name="weight")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="How many entries the list has: as the first given of the slicing arguments says (by its "
    "number, or its length), else the assumed size. The list is the field itself, or its sized fields.",
    name="listSize",
)
class ListSize:
    assumed_size: int = strawberry.directive_field(name="assumedSize")
    slicing_arguments: list[str] | None = strawberry.directive_field(
        name="slicingArguments", default=strawberry.UNSET
    )
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)


A_ROW = Cost(weight="1")
NO_ROW = Cost(weight="0")
A_COUNT = Cost(weight=str(MOST_COUNTED // 20))
"""A facet counts so many books at the most, each in about a twentieth of the time of a row of a page."""
FEW = ListSize(assumed_size=4)
