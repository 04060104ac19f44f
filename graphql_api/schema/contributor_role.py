"""The roles of contributors."""

from collections.abc import Iterable
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import books


@strawberry.enum(description="The role in which an author contributed to a book.")
class ContributorRole(Enum):
    AUTHOR = strawberry.enum_value("AUTHOR", description="Wrote the book.")
    EDITOR = strawberry.enum_value("EDITOR", description="Edited or compiled the book.")
    TRANSLATOR = strawberry.enum_value("TRANSLATOR", description="Translated the book.")
    ILLUSTRATOR = strawberry.enum_value("ILLUSTRATOR", description="Illustrated the book.")
    INTRODUCTION = strawberry.enum_value("INTRODUCTION", description="Wrote the introduction or the preface.")
    NARRATOR = strawberry.enum_value("NARRATOR", description="Narrated the book.")
    CONTRIBUTOR = strawberry.enum_value("CONTRIBUTOR", description="Contributed in another role.")


BylineRolesArg = Annotated[
    list[ContributorRole] | None,
    strawberry.argument(
        name="roles",
        description="Return only contributors in these roles. Default: AUTHOR; for a book without an author, "
        "EDITOR.",
    ),
]
BookRolesArg = Annotated[
    list[ContributorRole] | None,
    strawberry.argument(
        name="roles",
        description="Return only books to which the author contributed in one of these roles. Default: any "
        "role.",
    ),
]


def role_names(roles: Iterable[ContributorRole] | None) -> frozenset[str] | None:
    """Return the names of the roles, or None if they are null or not given."""
    return None if roles is None or roles is UNSET else frozenset(role.name for role in roles)


def author_scope(roles: Iterable[ContributorRole] | None) -> books.AuthorScope:
    """Return the scope of an author's books in the roles; in any role if they are null or not given."""
    names = role_names(roles)
    return books.BY_AUTHOR if names is None else books.by_author_in_roles(names)
