"""Costs of fields: the schema directives of IBM's GraphQL Cost Directives specification.

The weight is a string there. Apollo Federation has directives of the same names whose weight is an integer: a
subgraph imports them under other names, for example `{name: "@cost", as: "@federation__cost"}`.
"""

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="The cost of this field, or of each object of this type: the rows read, or the rows that "
    "could be read in the same time. Default: 1 per object, 0 per scalar or enum value.",
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
    """`max_size` is the largest size that the field's resolver accepts. A cost never counts more."""

    assumed_size: int = strawberry.directive_field(name="assumedSize")
    slicing_arguments: list[str] | None = strawberry.directive_field(
        name="slicingArguments", default=strawberry.UNSET
    )
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)
    require_one_slicing_argument: bool = strawberry.directive_field(
        name="requireOneSlicingArgument", default=False
    )
    max_size: strawberry.Private[int | None] = None
