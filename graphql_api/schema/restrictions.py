"""Restrictions: the fields, arguments and enum values that only some roles may use.

They are declared where the restricted part is declared. `Schema` leaves out what its role may not use, so a
restriction needs no check while an operation runs, and plans know nothing of roles.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from enum import Enum
from typing import Any, TypeVar

from graphql import GraphQLEnumType
from strawberry.types.field import StrawberryField

from graphql_api.access.roles import Role

E = TypeVar("E", bound=type[Enum])

_ROLE = "role"
"""The key of the role in the metadata of Strawberry's field or argument."""
_VALUE_ROLES = "value_roles"
"""The attribute of an enum's class with the roles of its restricted values, by their names."""


def restrict_to(role: Role, declaration: Any) -> Any:
    """Return the declaration of a field or an argument, restricted to this role and higher ones.

    An argument or a field of an input must be optional, since a lower role cannot give it.
    """
    declaration.metadata = {**declaration.metadata, _ROLE: role}
    return declaration


def restrict_values(**roles: Role) -> Callable[[E], E]:
    """Return a decorator that restricts values of an enum, each to its role and higher ones.

    Restrict no value that a field returns to a lower role. Raise TypeError for an unknown name.
    """

    def declare(cls: E) -> E:
        unknown = sorted(roles.keys() - cls.__members__.keys())
        if unknown:
            raise TypeError(f"{cls.__name__} has no {', '.join(unknown)}: restrict names of its members.")
        setattr(cls, _VALUE_ROLES, roles)
        return cls

    return declare


def allowed_fields(role: Role, fields: Iterable[StrawberryField]) -> list[StrawberryField]:
    """Return the fields that a role may use, each with the arguments that it may use."""
    return [_with_allowed_arguments(role, each) for each in fields if _allows(role, each.metadata)]


def _with_allowed_arguments(role: Role, field: StrawberryField) -> StrawberryField:
    arguments = [each for each in field.arguments if _allows(role, each.metadata)]
    if len(arguments) == len(field.arguments):
        return field
    narrowed = copy(field)
    narrowed.arguments = arguments
    return narrowed


def _allows(role: Role, metadata: Mapping[Any, Any]) -> bool:
    return role >= metadata.get(_ROLE, Role.PUBLIC)


def remove_restricted_values(role: Role, enum_type: GraphQLEnumType) -> None:
    """Remove the values that a role may not use from an enum of its schema."""
    members: Any = getattr(enum_type, "wrapped_cls", None)
    restricted: Mapping[str, Role] = getattr(members, _VALUE_ROLES, {})
    for name, value in list(enum_type.values.items()) if restricted else ():
        if role < restricted.get(members(value.value).name, Role.PUBLIC):
            del enum_type.values[name]
