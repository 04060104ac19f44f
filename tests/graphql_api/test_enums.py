"""Enums whose values are stored in the database have exactly the database's values."""

from db.constraints import BOOK_FORMATS, CONTRIBUTOR_ROLES
from graphql_api.schema.book_format import BookFormat
from graphql_api.schema.types import ContributorRole


def test_formats_are_those_of_the_database():
    assert tuple(format_.value for format_ in BookFormat) == BOOK_FORMATS


def test_contributor_roles_are_those_of_the_database():
    assert tuple(role.value for role in ContributorRole) == CONTRIBUTOR_ROLES
