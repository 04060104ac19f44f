"""Enums whose values are stored in the database have exactly the database's values."""

from db.constraints import CONTRIBUTOR_ROLES
from graphql_api.schema.types import ContributorRole


def test_contributor_roles_are_those_of_the_database():
    assert tuple(role.value for role in ContributorRole) == CONTRIBUTOR_ROLES
